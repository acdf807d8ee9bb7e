#!/bin/sh
# Makes the certificates that the tests of TLS use: an authority of our own, and two servers' certificates that it signed, one of them
# for another name. They are valid from 2020 to 2120, whatever the clock of the machine says that made them, and for nothing but
# these tests.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/index"
cat >"$work/ca.cnf" <<END
[ca]
default_ca = own
[own]
database = $work/index
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = name
unique_subject = no
[name]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[api.example]
subjectAltName = DNS:api.example, IP:127.0.0.1
extendedKeyUsage = serverAuth
[other.example]
subjectAltName = DNS:other.example, IP:127.0.0.1
extendedKeyUsage = serverAuth
END
key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }
# What follows says who signs.
sign() {
    name=$1 key=$2 subject=$3
    shift 3
    openssl req -new -key "$key" -subj "/CN=$subject" -out "$work/request"
    openssl ca -batch -notext -config "$work/ca.cnf" -startdate 20200101000000Z -enddate 21200101000000Z \
        -keyfile "$work/authority.key" -extensions "$name" -in "$work/request" -out "$name.pem" "$@"
}
key "$work/authority.key"
sign authority "$work/authority.key" "BLOOM test authority" -selfsign
for name in api.example other.example; do
    key "$name.key"
    sign "$name" "$name.key" "$name" -cert authority.pem
done
