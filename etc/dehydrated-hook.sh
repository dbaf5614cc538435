#!/bin/sh
# dehydrated runs this with HOOK=/usr/local/sbin/dehydrated-hook.sh in its
# config.  Put the servers' name in.  Its arguments are
# deploy_cert DOMAIN KEY CERTIFICATE FULLCHAIN CHAIN TIME
name=mail.example.org

case $1:${2-} in
deploy_cert:"$name")
	exec /usr/local/sbin/imapd-tls install --name "$name" "$3" "$5" ;;
esac
