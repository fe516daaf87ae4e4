#!/bin/sh
# Writes .env for docker-compose.yaml: env.example with a generated secret after each bare "NAME=".
set -eu
cd "$(dirname "$0")/../.."
if [ -e .env ]; then
    echo "waybill: .env is there already; its secrets belong to the data in the volumes, so it stays as it is" >&2
    exit 1
fi

hex() {
    od -An -vtx1 -N "$1" /dev/urandom | tr -d ' \n'
}

fernet_key() { # 32 bytes in URL-safe base64
    head -c 32 /dev/urandom | base64 | tr '+/' '-_'
}

umask 077
rm -f .env.new
while IFS= read -r line; do
    case $line in
    WAYBILL_FERNET_KEY=) line=$line$(fernet_key) ;;
    WAYBILL_ADMIN_PASSWORD= | WAYBILL_STORE_ACCESS_KEY=) line=$line$(hex 10) ;;
    WAYBILL_*=) line=$line$(hex 32) ;; # 64 characters: HS512 wants as many for the tokens' secret
    esac
    printf '%s\n' "$line"
done <deploy/docker/env.example >.env.new
mv .env.new .env
echo "Wrote .env; the password of the user admin is in it."
