#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A request signed by a PIV card's key, 9C's with its PIN for each signature, and an order with a YubiKey's attestation.
# usage: csr.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"

export SIGNET_PIN=123456
subject='/C=DE/L=Bonn/O=Example AG/CN=Example AG'

csr() { # ARGUMENT…: output in $said, status in $status
  said=$("$signet" csr --module "$opensc" --pin env:SIGNET_PIN "$@" 2>&1 </dev/null)
  status=$?
}
verify() { # ARGUMENT…
  said=$("$signet" order verify "$@" --json 2>&1)
  status=$?
}
word() { jq -r --arg what "$1" '[.facts[] | select(.what == $what) | .word] | unique | join(" ")' <<<"$said" 2>/dev/null; }

# make_device NAME: a root, and a device's key and certificate below it
make_device() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 3650 -subj '/CN=Device Root' \
    -addext 'basicConstraints=critical,CA:TRUE,pathlen:1' -keyout "$work/$1-root.key" -out "$work/$1-root.pem" 2>/dev/null
  openssl genrsa -out "$work/$1.key" 2048 2>/dev/null
  openssl req -new -key "$work/$1.key" -subj '/CN=Yubico PIV Attestation' -out "$work/$1.csr"
  openssl x509 -req -in "$work/$1.csr" -CA "$work/$1-root.pem" -CAkey "$work/$1-root.key" -set_serial 7 -days 365 \
    -extfile <(echo 'basicConstraints=critical,CA:TRUE,pathlen:0') -outform DER -out "$work/$1.der" 2>/dev/null
}

# Other PIV cards: a request, and an order without attestation.
for kind in rsa:3072 P-256; do
  card=$work/plain-$kind
  make_card "$card"
  make_card_key "$card" 9c "$kind"
  [[ -n $pcscd_pid ]] || start_pcscd
  insert "$card"
  csr 'pkcs11:id=%02;type=private' --subject "$subject" --accept all -o "$work/$kind.pem"
  is "$status" 0 "$kind in 9C of a PIV card"
  [[ $status == 0 ]] || echo "# $said"
  is "$(openssl req -in "$work/$kind.pem" -verify -noout -pubkey 2>/dev/null)" "$(openssl pkey -in "$card/9c.key" -pubout)" \
    'the request is good, and for that key'
  is "$(verifies "$card")" 2 'one VERIFY to log in, one for the signature'
  is "$(state "$card" | grep -c left)" 1 'no try is lost'
  pull
done
insert "$card"
csr 'pkcs11:id=%02;type=private' --subject "$subject" --accept all --order "$work/plain-order"
is "$status" 0 'an order of a card that attests nothing'
like "$said" 'not attested' 'says so'
result "$([[ ! -e $work/plain-order/attestation.pem ]]; echo $?)" 'and has no attestation'
verify "$work/plain-order"
is "$status $(word attestation)" '0 open' 'which verify knows'
pull

# A YubiKey: the device itself says where the key was made.
make_device device
make_device other
card=$work/yubikey
make_card "$card" 5.7.1
make_card_key "$card" 9c P-256
make_card_key "$card" 9a rsa:3072
echo '3 1 1' >"$card/9c.policy"
echo '2 1 2' >"$card/9a.policy"
echo 129 >"$card/form"
echo 24680 >"$card/serial"
cp "$work/device.key" "$card/f9.key"
cp "$work/device.der" "$card/f9.der"
insert "$card"
csr 'pkcs11:id=%02;type=private' --subject "$subject" --order "$work/order"
is "$status" 0 'an order of a YubiKey, without a warning'
[[ $status == 0 ]] || echo "# $said"
is "$(grep -c BEGIN "$work/order/attestation.pem")" 2 'the attestation has two certificates'
is "$(openssl x509 -in "$work/order/attestation.pem" -noout -subject -nameopt RFC2253)" \
  'subject=CN=YubiKey PIV Attestation 9c' "the key's comes first"
is "$(openssl x509 -in "$work/order/attestation.pem" -noout -pubkey)" "$(cat "$work/order/public-key.pem")" \
  'it is of the key in the order'
like "$(cat "$work/order/README.txt")" 'give it attestation.pem' 'README.txt says what to do with it'
like "$(cat "$work/order/token-report.txt")" 'serial +24680 +\[attestation\].*FIPS series +yes +\[attestation\]' \
  'the report has what the device attests'
verify "$work/order" --root "$work/device-root.pem"
is "$status $(word "attestation's chain") $(word 'made on the device') $(word 'FIPS series') $(word serial)" \
  '0 proved proved proved claimed proved' 'with the root, what the device says is proved'
verify "$work/order"
is "$status $(word "attestation's chain") $(word attestation) $(word 'made on the device')" '0 open proved claimed' \
  'without a root it is claimed'
verify "$work/order" --root "$work/other-root.pem"
is "$status $(word "attestation's chain")" '3 false' 'another root of the same name proves nothing'
certify "$work/order/public-key.pem" Signer "$work/issued.der"
"$signet" order attach "$work/order" "$work/issued.der" >/dev/null
verify "$work/order" --root "$work/device-root.pem"
is "$status $(word request) $(word attestation) $(word certificate)" '0 proved proved proved' \
  'request, attestation and certificate are of one key'

# A key that wants a touch says when.
pull
echo '3 2 1' >"$card/9c.policy"
insert "$card"
csr 'pkcs11:id=%02;type=private' --subject "$subject" -o "$work/touched.pem"
like "$status$said" '^0.*touch the device now' 'a touch is asked for'

# The attestation of another key in its place.
cp -r "$work/order" "$work/mixed"
pull
rm "$card/9c.key" "$card/9c.der"
make_card_key "$card" 9c P-256
insert "$card"
"$signet" attest @1 --slot 9c --module "$opensc" -o "$work/mixed/attestation.pem" --yes >/dev/null
verify "$work/mixed" --root "$work/device-root.pem"
is "$status $(word attestation)" '3 false' 'the attestation of another key is found'

csr 'pkcs11:id=%01;type=private' --subject "$subject" --accept all --order "$work/imported"
is "$status" 0 'an order with a key that was imported'
like "$(cat "$work/imported/README.txt")" 'no attestation: .*imported' 'says why it is not attested'
before=$(verifies "$card")
csr 'pkcs11:id=%01;type=private' --subject '/C=DE/O=a/CN=a' -o "$work/no.pem"
is "$status $(verifies "$card")" "3 $before" 'a subject that no CA takes costs no login'
SIGNET_PIN=999999 csr 'pkcs11:id=%02;type=private' --subject "$subject" -o "$work/no.pem"
is "$status $(verifies "$card")" "4 $((before + 1))" 'a wrong PIN is tried once'
csr 'pkcs11:id=%02;type=private' --subject "$subject" -o "$work/no.pem"
is "$status $(verifies "$card")" "5 $((before + 1))" 'and then no more'
result "$([[ ! -e $work/no.pem ]]; echo $?)" 'nothing was written'
done_testing
