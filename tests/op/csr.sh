#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Requests signed on a token, as programs read them that are not ours, and orders from made to issued.
# usage: csr.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"

name='/C=DE/ST=Nordrhein-Westfalen/L=Köln/O=Müller \/ Söhne AG/CN=Müller \/ Söhne AG'
shown='C = DE, ST = Nordrhein-Westfalen, L = Köln, O = Müller / Söhne AG, CN = Müller / Söhne AG'
export SIGNET_PIN=$test_pin

csr() { # ARGUMENT…: output in $said, status in $status
  said=$("$signet" csr --module "$softhsm" --pin env:SIGNET_PIN "$@" 2>&1 </dev/null)
  status=$?
}
order() { # ARGUMENT…
  said=$("$signet" order "$@" 2>&1 </dev/null)
  status=$?
}
uri() { echo "pkcs11:token=${2:-test};id=%$1"; }
field() { jq -r "$1" <<<"$said"; }

# issue CSR OUT [PURPOSE]: by `openssl ca`, which takes subject and extensions from the request
issue() {
  [[ -f $work/index.txt ]] || : >"$work/index.txt"
  printf '%s\n' '[ca]' 'default_ca=test' '[test]' "database=$work/index.txt" "new_certs_dir=$work" \
    "certificate=$work/ca.pem" "private_key=$work/ca.key" "serial=$work/serial" 'default_md=sha256' 'default_days=459' \
    'policy=any' 'copy_extensions=copy' 'unique_subject=no' 'string_mask=utf8only' 'x509_extensions=leaf' '[leaf]' \
    "basicConstraints=critical,CA:FALSE" ${3:+"extendedKeyUsage=$3"} \
    '[any]' 'countryName=optional' 'stateOrProvinceName=optional' 'localityName=optional' 'organizationName=optional' \
    'commonName=optional' >"$work/ca.cnf"
  openssl ca -batch -notext -utf8 -create_serial -config "$work/ca.cnf" -in "$1" -out "$2" 2>"$work/ca.log" ||
    sed 's/^/# /' "$work/ca.log"
}

make_token test rsa:3072 EC:secp384r1 rsa:2048
cd "$work" || exit

# What is written, as OpenSSL and GnuTLS read it.
csr "$(uri 01)" --subject "$name" -o rsa.pem
is "$status" 0 'a request by an RSA key'
openssl req -in rsa.pem -verify -noout 2>/dev/null
is "$?" 0 "its signature holds for OpenSSL"
is "$(openssl req -in rsa.pem -noout -subject -nameopt utf8,sep_comma_plus_space,space_eq)" "subject=$shown" 'the subject is as it was written'
is "$(openssl req -in rsa.pem -noout -pubkey)" "$(openssl x509 -in 01.pem -noout -pubkey)" "it is that key's"
is "$(openssl asn1parse -in rsa.pem | grep -cE 'UTF8STRING')/$(openssl asn1parse -in rsa.pem | grep -cE 'PRINTABLESTRING')" \
  4/1 'UTF8String, but for the country'
like "$(openssl req -in rsa.pem -noout -text)" \
  'Key Usage: critical.*Digital Signature.*Extended Key Usage:.*Code Signing.*sha256WithRSAEncryption' 'it asks for code signing'
read_by_gnutls=$(certtool --crq-info --infile rsa.pem 2>&1)
is "$?" 0 'GnuTLS reads it'
like "$read_by_gnutls" 'Self signature: verified|Signature Algorithm: RSA-SHA256' 'and its algorithm'
csr "$(uri 01)" --subject "$name" --digest sha384 --email sign@example.de --format der -o rsa.der
is "$status" 0 'DER, with SHA-384 and an address'
like "$(openssl req -inform DER -in rsa.der -verify -noout -text 2>&1)" \
  'verify OK.*email:sign@example.de.*sha384WithRSAEncryption' 'and OpenSSL agrees'
csr "$(uri 02)" --from 01.pem --accept all
openssl req -in <(echo "$said") -verify -noout 2>/dev/null
is "$status/$?" 3/1 'a subject from a certificate without a country is refused'
csr "$(uri 02)" --subject 'CN=Example AG,O=Example AG,L=Bonn,C=DE'
is "$status" 0 'without a file, it goes to standard output'
like "$(openssl req -in <(echo "$said") -verify -noout -text 2>&1)" 'verify OK.*C = DE, L = Bonn, .*ecdsa-with-SHA256' \
  'an EC key, and a subject as RFC 4514 has it'
csr "$(uri 02)" --subject "$name" --digest sha384 --json
is "$(field .made) $(field .key.type) $(field .digest) $(field '.findings | length')" 'true P-384 sha384 0' 'JSON'
is "$(field .sha256)" "$(openssl req -in <(field .pem) -outform DER | sha256sum | cut -d ' ' -f 1)" "the request's SHA-256"
is "$(field .key.sha256)" "$(openssl pkey -pubin -in 02.pub.pem -outform DER | sha256sum | cut -d ' ' -f 1)" "the key's"

listed=$("$signet" objects test --module "$softhsm" --json | jq -r '.objects[] | select(.uri | contains("id=%02")) | .uri')
while read -r one; do
  csr "$one" --subject "$name" --json
  is "$status $(field .key.type)" '0 P-384' "a key is named as it is listed: ${one##*;}"
done <<<"$listed"
is "$(wc -l <<<"$listed")" 2 'public key and certificate are listed'

# What is refused, and that nothing is signed or written then.
audit=$XDG_STATE_HOME/signet/audit.log
before=$(wc -l <"$audit")
like "$before" '^[1-9]' 'logins are in the audit log'
csr "$(uri 03)" --subject "$name" -o no.pem
is "$status" 3 'a key that is too small'
like "$said" '3072 bits or more \[key-size, CSBR 6\.1\.5\.2\]' 'says by which rule'
csr "$(uri 03)" --subject "$name" -o no.pem --accept all
is "$status" 3 'an error cannot be accepted'
csr "$(uri 01)" --subject '/C=DE/O=a/CN=a' -o no.pem
like "$status$said" '^3.*\[place, CSBR' 'a subject without a place'
csr "$(uri 01)" --subject '/C=DE/L=Bonn/O=a/CN=b' -o no.pem
like "$status$said" "^3.*\[common-name-differs, CSBR.*--accept common-name-differs goes on" 'a warning stops as well'
csr "$(uri 01)" --subject '/C=DE/L=Bonn/O=a/CN=b' -o no.pem --accept unit
is "$status" 3 'another rule does not help'
csr "$(uri 01)" --subject '/C=DE/L=Bonn/O=a/CN=b' --accept common-name-differ -o no.pem
like "$status$said" "^2.*did you mean 'common-name-differs'" 'a rule that is none is told the nearest'
csr "$(uri 01)" --subject '/C=DE/L=Bonn/O=a/B/CN=b' -o no.pem
like "$status$said" '^2.*subject, character 18: an attribute such as CN= is missing' 'a malformed subject is told where'
csr "$(uri 01)" --subject "/O=$(printf 'x%.0s' {1..65})" -o no.pem
like "$status$said" '^2.*O has 65 characters; 64 are allowed' 'one that is too long'
csr "$(uri 01)" --subject $'/O=a\x1b[2J' -o no.pem
like "$status$said" '^2.*control character' 'one with control characters'
csr "$(uri 01)" --subject "$name" --email 'a b@c' -o no.pem
is "$status" 2 'an address that is none'
csr "$(uri 01)" -o no.pem
is "$status" 2 'no subject'
csr "$(uri 01)" --subject "$name" --from 01.pem -o no.pem
is "$status" 2 'two subjects'
csr --subject "$name" -o no.pem
is "$status" 2 'no key'
csr "$(uri 09)" --subject "$name" -o no.pem
is "$status" 3 'a key that is not there'
csr "$(uri 01)" --subject "$name" -o rsa.pem
is "$status" 2 'a file that is there is not replaced unasked'
is "$(wc -l <"$audit")" "$before" 'no login was made for any of them'
is "$(ls no.pem 2>/dev/null)" '' 'and nothing was written'
csr "$(uri 01)" --subject '/C=DE/L=Bonn/O=a/CN=b' -o accepted.pem --accept common-name-differs --json
is "$status $(field '.findings[0].accepted')" '0 true' 'a warning that is accepted'
SIGNET_PIN=wrong-pin-1 csr "$(uri 01)" --subject "$name" -o no.pem
is "$status $(ls no.pem 2>/dev/null)" '4 ' 'a PIN that is refused'
reset_by_hand test --module "$softhsm"

# A key that may leave the token.
token_tool test --keypairgen --key-type rsa:3072 --label loose --id 0a --usage-sign --extractable
csr "$(uri 0a)" --subject "$name" -o no.pem
like "$status$said" '^3.*key-extractable, CSBR 6\.2\.7\.4\.2' 'a key that may leave its token'
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -outform DER -out soft.der 2>/dev/null
openssl pkey -in soft.der -pubout -outform DER -out soft.pub.der
token_tool test --write-object soft.der --type privkey --id 0b --label soft --usage-sign
token_tool test --write-object soft.pub.der --type pubkey --id 0b --label soft --usage-sign
csr "$(uri 0b)" --subject "$name" -o no.pem
like "$status$said" '^3.*key-imported' 'a key that came from outside'
csr "$(uri 0b)" --subject "$name" -o imported.pem --accept key-imported
is "$status" 0 'is taken when a person says so'

# An order, from made to issued.
mkdir orders
csr "$(uri 01)" --subject "$name" --email sign@example.de --order orders/one
is "$status" 0 'an order'
is "$(cd orders/one && echo *)" 'README.txt csr.pem order.json public-key.pem token-report.json token-report.txt' 'has its files'
openssl req -in orders/one/csr.pem -verify -noout 2>/dev/null
is "$?" 0 'the request is good'
is "$(cat orders/one/public-key.pem)" "$(openssl req -in rsa.pem -noout -pubkey)" 'the public key is the one in it'
der=$(openssl req -in orders/one/csr.pem -outform DER | sha256sum | cut -d ' ' -f 1)
like "$(cat orders/one/README.txt)" "request +$der" "README.txt has the request's fingerprint"
like "$(cat orders/one/token-report.txt)" 'model +SoftHSM v2 +\[module\].*FIPS mode +not told' 'the report says who says what'
is "$(jq -r '.facts[] | select(.name == "key was made on the token") | .value + " " + .by' orders/one/token-report.json)" \
  'yes module' 'for programs too'
csr "$(uri 01)" --subject "$name" --order orders/one
is "$status" 2 'a folder that is there stays as it is'
csr "$(uri 01)" --subject "$name" --order orders/none/two
is "$status $(ls -A orders)" '1 one' 'one that cannot be made leaves nothing'
order status orders/one --json
is "$(field .state) $(field .ordered) $(field '."days-left"')" 'made null null' 'its state'
order status orders/one --ordered --json
is "$(field .state)" ordered 'it is ordered'
like "$(field .ordered)" '^20..-..-..T..:..:..Z$' 'and since when'
order verify orders/one --json
is "$status $(field .holds) $(field '.facts[] | select(.what == "request") | .word')" '0 true proved' 'it holds before anything came'
is "$(field '.facts[] | select(.what == "key may leave the token") | .word')" claimed 'what the module says is only claimed'

# The vendor's proof, then certificates that are wrong, then the right one.
head -c 3000 /dev/urandom >'confirmation of the key.p7'
order attach orders/one 'confirmation of the key.p7' --json
is "$status $(field .as) $(field .entry.file)" '0 proof proof-1-confirmation_of_the_key.p7' 'a proof is kept'
is "$(field .entry.sha256)" "$(sha256sum <'confirmation of the key.p7' | cut -d ' ' -f 1)" 'with its SHA-256'
openssl x509 -new -subj '/CN=confirmation' -force_pubkey orders/one/public-key.pem -key ca.key -out confirmation.pem
openssl crl2pkcs7 -nocrl -certfile confirmation.pem -outform DER -out confirmation.p7b
order attach orders/one confirmation.p7b --json
is "$status $(field .as)" '0 proof' 'one that has a certificate of the key, but not for code signing, as well'
order attach orders/one 02.pem
like "$status$said" '^3.*for another key' "another key's certificate is refused"
issue orders/one/csr.pem tls.pem serverAuth
order attach orders/one tls.pem --as certificate
is "$status" 3 'one for servers as well'
issue orders/one/csr.pem issued.pem
like "$(openssl x509 -in issued.pem -noout -ext extendedKeyUsage,keyUsage,subjectAltName)" 'Digital Signature.*Code Signing.*sign@example.de' \
  'a CA issues what was asked for'
cat ca.pem issued.pem >delivered.pem
order attach orders/one delivered.pem --json
is "$status $(field .as)" '0 certificate' 'the certificate comes, in any order'
is "$(field .entry.fingerprint)" "$(openssl x509 -in issued.pem -outform DER | sha256sum | cut -d ' ' -f 1)" 'it is the right one'
order attach orders/one issued.pem
is "$status" 2 'it is there already'
order list orders --json
like "$(field '.orders | length') $(field '.orders[0].state') $(field '.orders[0]."days-left"')" '^1 issued 45[89]$' 'the list says how long it lives'
order verify orders/one --json
is "$status $(field '[.facts[] | select(.what | startswith("certificate")) | .word] | unique | join(" ")')" '0 proved' \
  'certificate, subject, issuer and use are proved'
is "$(field '[.facts[] | select(.what == "proof") | .word] | join(" ")')" 'claimed claimed' 'the proofs are only claimed'
is "$(field '.facts[] | select(.what == "proof'"'"'s key") | .text')" \
  "proof-2-confirmation.p7b holds a certificate of the request's key; who signed it was not checked" 'one is of the key'
echo x >>orders/one/proof-1-confirmation_of_the_key.p7
order verify orders/one
like "$status$said" '^3.*false +proof' 'a file that was changed is found'
cp 02.pub.pem orders/one/public-key.pem
order verify orders/one
like "$status$said" '^3.*false +public key +it is not the request' 'and a key that was exchanged'

# The next order begins with the old one.
csr --from-order orders/one --order orders/two
is "$status" 0 'a reissue needs nothing else'
is "$(openssl req -in orders/two/csr.pem -noout -subject -pubkey)" "$(openssl req -in orders/one/csr.pem -noout -subject -pubkey)" \
  'subject and key are as before'
like "$(openssl req -in orders/two/csr.pem -noout -text)" 'email:sign@example.de' 'the address too'
csr "$(uri 02)" --from-order orders/one --order orders/three --json
is "$status $(field .key.type)" '0 P-384' 'or another key'
csr "$(uri 02)" --from issued.pem -o renewed.pem
is "$status $(openssl req -in renewed.pem -noout -subject)" "0 $(openssl x509 -in issued.pem -noout -subject)" \
  'a subject from a certificate in a file'
openssl x509 -in issued.pem -outform DER -out issued.der
token_tool test --write-object issued.der --type cert --id 0c --label issued
csr "$(uri 02)" --from "$(uri 0c)" -o renewed2.pem
is "$status $(openssl req -in renewed2.pem -noout -subject)" "0 $(openssl x509 -in issued.pem -noout -subject)" 'and on the token'
order list orders
is "$(grep -c 'orders/' <<<"$said")" 3 'all orders are listed'
order list orders --known --json
is "$(field '.orders | length')" 3 'one that is noted, too, is listed once'
mkdir elsewhere
order list elsewhere --known --json
is "$(field '[.orders[].folder | select(startswith("/"))] | length')" 3 \
  'what was made on this machine is found from elsewhere'
mv orders/two orders-two
order list elsewhere --known --json
is "$status $(field '.orders | length')" '0 2' 'a folder that is gone is none'
mv orders-two orders/two
echo '{}' >orders/three/order.json
order list orders
like "$status$said" '^1.*three +cannot be read' 'one that is broken hides no other'
order status "$work"
is "$status" 3 'a folder that is no order'
done_testing
