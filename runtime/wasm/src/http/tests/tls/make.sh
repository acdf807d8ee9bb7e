#!/bin/sh
# Makes the certificates that the tests of TLS use: an authority of our own, and two servers' certificates that it signed, one of them
# for another name. They are valid for a hundred years, and for nothing but these tests.
set -eu
cd "$(dirname "$0")"
key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }
key authority.key
openssl req -x509 -new -key authority.key -days 36500 -subj "/CN=BLOOM test authority" -out authority.pem \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign"
for name in api.example other.example; do
    key "$name.key"
    printf 'subjectAltName=DNS:%s,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' "$name" >extensions
    openssl req -new -key "$name.key" -subj "/CN=$name" |
        openssl x509 -req -CA authority.pem -CAkey authority.key -CAcreateserial -days 36500 -extfile extensions -out "$name.pem"
done
rm -f authority.key authority.srl extensions
