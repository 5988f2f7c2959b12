#!/bin/sh
# What the service 'ca' runs. Its settings are written at each start, from what docker-compose.yml says;
# the CA is made at the first. VEDETTE_NAMES: names and addresses, the first of which stands in tokens.
set -euf
folder=/var/lib/vedette/ca
set -- $VEDETTE_NAMES
[ $# -gt 0 ] || set -- localhost
case $1 in
    *:*) server="[$1]" ;;
    *) server=$1 ;;
esac
cat >"$folder/ca.toml.new" <<END
names = [$(printf '"%s", ' "$@")"broker"]
ca = "$server:$VEDETTE_CA_PORT"
broker = "$server:$VEDETTE_PORT"
[identities]
analyzer = "/var/lib/vedette/identity/analyzer"
broker = "/var/lib/vedette/identity/broker"
health = "/var/lib/vedette/identity/health"
console = "/var/lib/vedette/identity/console"
END
mv "$folder/ca.toml.new" "$folder/ca.toml"
[ -e "$folder/ca.key" ] || vedette ca init --folder "$folder" >/dev/null
exec vedette ca serve --settings "$folder/ca.toml"
