#!/bin/sh
# Runs a program once the CA has made its identity: certified.sh NAME PROGRAM [WORDS]
set -eu
until [ -e "/var/lib/vedette/identity/$1/certificate.pem" ]; do sleep 0.2; done
shift
exec "$@"
