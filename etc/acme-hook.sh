#!/bin/sh
# acme.sh reads this as ~/.acme.sh/deploy/imapd.sh; then type once:
# acme.sh --deploy -d mail.example.org --deploy-hook imapd
# It remembers that, and does it after each renewal.

# imapd_deploy DOMAIN KEY CERTIFICATE AUTHORITY FULLCHAIN
imapd_deploy() {
	/usr/local/sbin/imapd-tls install --name "$1" "$2" "$5"
}
