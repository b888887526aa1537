#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A YubiKey's word for its keys: read from the card, compared, believed only up to a root that was given.
# usage: attest.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$(dirname "$0")/../lib/cards.sh"

# issue NAME EXTENSIONS: $work/root.key signs a certificate over NAME.key, for the subject of devices
issue() {
  openssl req -new -key "$work/$1.key" -subj '/CN=Yubico PIV Attestation' -out "$work/$1.csr"
  openssl x509 -req -in "$work/$1.csr" -CA "$work/root.pem" -CAkey "$work/root.key" -set_serial 7 -days 365 \
    -extfile <(printf '%s\n' "$2") -out "$work/$1.pem" 2>/dev/null
}

make_root() { # NAME
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 3650 -subj '/CN=Device Root' \
    -addext 'basicConstraints=critical,CA:TRUE,pathlen:1' -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null
}

# give_device FOLDER: the device's own key and certificate (slot F9)
give_device() {
  openssl genrsa -out "$work/device.key" 2048 2>/dev/null
  issue device 'basicConstraints=critical,CA:TRUE,pathlen:0'
  cp "$work/device.key" "$1/f9.key"
  openssl x509 -in "$work/device.pem" -outform DER -out "$1/f9.der"
}

attest() { # ARGUMENT…: output in $said, status in $status
  said=$("$signet" attest "$@" --module "$opensc" 2>&1)
  status=$?
}
field() { python3 -c 'import json, sys; r = json.load(sys.stdin)
for name in sys.argv[1].split("/"): r = r[name]
print(r)' "$1" <<<"$said" 2>/dev/null; }

key_uri() { # ID: of its public half, as listed
  "$signet" objects @1 --module "$opensc" --json | python3 -c 'import json, sys
print(next(o["uri"] for o in json.load(sys.stdin)["objects"] if o["id"] == sys.argv[1] and "type=public" in o["uri"]))' "$1"
}

make_root root
make_root other
card=$work/card
make_card "$card" 5.4.3
make_card_key "$card" 9a P-256
make_card_key "$card" 9c rsa:2048
make_card_key "$card" 9d P-384
echo '3 2 1' >"$card/9c.policy"
echo '2 1 2' >"$card/9d.policy"
echo 129 >"$card/form"
echo 24680 >"$card/serial"
give_device "$card"
before=$(state "$card")
start_pcscd
insert "$card"

attest @1 --slot 9c
is "$status" 0 'a slot of a token is attested'
like "$said" 'not checked: no root given' 'without a root nothing is called checked'
like "$said" 'touch policy +always  \[not proved\]' 'nor proved'
attest @1 --slot 9c --root "$work/root.pem" -o "$work/bundle.pem" --json
is "$status" 0 'with a root, into a file'
is "$(field proved) $(field slot) $(field chain)" "True 9C holds, up to the root 'CN=Device Root'" 'the chain holds'
is "$(field attestation/firmware) $(field attestation/serial) $(field attestation/form-factor) $(field attestation/fips)" \
  '5.4.3 24680 USB-A keychain True' 'firmware, serial number and form are told'
is "$(field attestation/pin-policy)/$(field attestation/touch-policy)" always/always 'and the policies'
is "$(field same-key-by)" "the card's GET METADATA" 'the key is compared with what the card tells of it'
is "$(grep -c BEGIN "$work/bundle.pem")" 2 'the file holds two certificates'
is "$(openssl x509 -in "$work/bundle.pem" -noout -subject -nameopt RFC2253)" 'subject=CN=YubiKey PIV Attestation 9c' \
  "the key's comes first"
openssl verify -CAfile "$work/root.pem" -untrusted "$work/device.pem" "$work/bundle.pem" >/dev/null 2>&1
is "$?" 0 'a program that is not ours believes it too'
is "$(openssl x509 -in "$work/bundle.pem" -noout -pubkey)" "$(openssl pkey -in "$card/9c.key" -pubout)" \
  'it is the key in that slot'
attest @1 --slot 9c -o "$work/bundle.pem" </dev/null
is "$status" 2 'a file that is there is not replaced unasked'

uri=$(key_uri 02)
attest "$uri" --root "$work/root.pem" --json
is "$status/$(field slot)" 0/9C 'the slot of a key is found by its public half'
is "$(field same-key-by)" "PKCS#11 and the card's GET METADATA" 'and compared on both sides'
attest "$reader" --slot 9a --json
is "$status/$(field slot)/$(field attestation/touch-policy)" 0/9A/never 'a reader can be named'
attest virtual --slot 9a --json
is "$status/$(field slot)" 0/9A 'by the beginning of its name, the only one with a card'
attest "$reader" --slot 9d
is "$status" 3 'an imported key is not attested'
like "$said" 'imported' 'and that is said'
attest "$reader" --slot 9e
is "$status" 3 'an empty slot neither'
like "$said" 'no key in slot 9E' 'and that is said'
attest "$reader" --slot f9
is "$status" 2 'F9 is no slot to ask for'

attest @1 --slot 9c --root "$work/other.pem" -o "$work/none.pem" --json 2>/dev/null
is "$status" 3 'another root of the same name proves nothing'
result "$([[ ! -e $work/none.pem ]]; echo $?)" 'and no file is written'
attest @1 --slot 9c --root "$work/device.pem"
is "$status" 2 'what is no root proves nothing'
is "$(state "$card")" "$before" 'the card is as it was'
is "$(verifies "$card")" 0 'no PIN was sent'

# Another YubiKey's key and certificate in front of ours
pull
cp "$card/9a.key" "$card/9c.key"
cp -r "$card" "$work/false"
openssl genrsa -out "$work/false/f9.key" 2048 2>/dev/null
insert "$work/false"
attest "$reader" --slot 9c --root "$work/root.pem"
is "$status" 3 "a statement that the device's certificate did not sign proves nothing"
pull

# Before 5.3 a YubiKey tells nothing of its keys
printf 5.2.7 >"$card/version"
rm "$card/9c.key" "$card/9c.der"
make_card_key "$card" 9c rsa:2048
insert "$card"
uri=$(key_uri 02)
attest "$uri" --root "$work/root.pem" --json
is "$status/$(field slot)/$(field proved)/$(field same-key-by)" 0/9C/True/PKCS#11 'without metadata, each slot is asked'
rm "$card/9c.key"
attest "$uri"
is "$status" 3 'and a key in none of them is told so'
pull

make_card "$work/plain"
make_card_key "$work/plain" 9c rsa:2048
insert "$work/plain"
attest "$reader" --slot 9c
is "$status" 3 'another PIV card attests nothing'
like "$said" 'cannot attest' 'and that is said'
pull
attest "$reader" --slot 9c
like "$said" 'no card' 'an empty reader is told'
stop_pcscd
attest "$reader" --slot 9c
is "$status" 3 'without pcscd it is an error'
like "$said" 'pcscd does not run' 'with its reason'
done_testing
