#!/bin/sh
# certbot runs this after each renewal as
# /etc/letsencrypt/renewal-hooks/deploy/imapd, mode 755.  Put the servers' name
# in: certificates for other names are none of its business.  For the first time
# type: imapd-tls install /etc/letsencrypt/live/mail.example.org
name=mail.example.org

case " $RENEWED_DOMAINS " in
*" $name "*)
	exec /usr/local/sbin/imapd-tls install --name "$name" \
		"$RENEWED_LINEAGE" ;;
esac
