#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Keys made in the card and certificates stored there, with the management key, through the gate; then OpenSC signs with them.
# usage: manage.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"

manage=$build/tests/card/manage
factory=010203040506070801020304050607080102030405060708
start_pcscd

# with KEY ARGUMENT…: output in $said, status in $status. The key's source is the last argument before policies.
with() {
  local key=$1
  shift
  said=$(KEY=$key "$manage" "$@" 2>&1)
  status=$?
}

audited() { tail -n "$1" "$XDG_STATE_HOME/signet/audit.log" | jq -r '"\(.event) \(.outcome) \(.user)"' | tr '\n' ';'; }

# round CARD SLOT TYPE KEY ID: a key is made and certified, and OpenSC signs with it
round() {
  local card=$1 slot=$2 type=$3 key=$4 id=$5
  KEY=$key "$manage" generate "$reader" "$slot" "$type" env:KEY >"$work/public.der" 2>"$work/said"
  is "$?" 0 "$type is made in $slot"
  openssl pkey -pubin -inform DER -in "$work/public.der" -out "$work/public.pem" 2>/dev/null
  is "$(openssl pkey -in "$card/$slot.key" -pubout 2>/dev/null)" "$(cat "$work/public.pem")" 'its public half is what the card has'
  certify "$work/public.pem" "Signer $slot" "$work/certificate.der"
  with "$key" store "$reader" "$slot" "$work/certificate.der" env:KEY
  is "$status" 0 'its certificate is stored'
  pkcs11-tool --module "$opensc" --read-object --type cert --id "$id" -o "$work/read.der" >/dev/null 2>&1
  result "$(cmp -s "$work/certificate.der" "$work/read.der"; echo $?)" 'OpenSC reads the same certificate'
  head -c 32 /dev/urandom >"$work/digest"
  sign_digest "$type" "$id"
}

# sign_digest TYPE ID: by OpenSC, judged by OpenSSL
sign_digest() {
  local mechanism=ECDSA options=()
  if [[ $1 == RSA-* ]]; then
    mechanism=SHA256-RSA-PKCS
    options=(-rawin -digest sha256)
  fi
  pkcs11-tool --module "$opensc" --login --pin 123456 --sign --mechanism "$mechanism" --id "$2" \
    --signature-format openssl -i "$work/digest" -o "$work/signature" >/dev/null 2>&1
  openssl pkeyutl -verify -pubin -inkey "$work/public.pem" "${options[@]}" -in "$work/digest" -sigfile "$work/signature" \
    >/dev/null 2>&1
  is "$?" 0 'and signs with the key'
}

# Each cipher that a management key can have: told by a YubiKey, found out on another card.
yubikey=$work/yubikey plain=$work/plain
make_card "$yubikey" 5.4.3
insert "$yubikey"
round "$yubikey" 9a RSA-2048 "$factory" 01
is "$(audited 4)" 'generate begun management;generate ok management;store begun management;store ok management;' 'the audit log has both'
result "$(grep -qi "$factory" "$XDG_STATE_HOME/signet/audit.log"; echo $((! $?)))" 'without the key'
is "$("$build/tests/card/holder" "$reader" 0047009A05AC03800111)" 6982 'no login is left behind for the next program'
: >"$yubikey/log"
SERIAL=1 with "$factory" store "$reader" 9a "$work/certificate.der" env:KEY
is "$status/$(grep -c '00 87' "$yubikey/log")" 3/0 'a key is not tried on another card than the one that is meant'
like "$said" 'another card is in the reader' 'and it is said'
aes256=$(openssl rand -hex 32)
echo "$aes256" >"$yubikey/management-key"
echo 12 >"$yubikey/management-cipher"
round "$yubikey" 9a P-256 "$aes256" 01
KEY=$aes256 "$manage" generate "$reader" 9c P-384 env:KEY 2 3 >/dev/null
is "$?/$(cat "$yubikey/9c.policy")" '0/2 3 1' 'PIN and touch policy are given to the card'
pull

make_card "$plain"
aes128=$(openssl rand -hex 16)
echo "$aes128" >"$plain/management-key"
echo 8 >"$plain/management-cipher"
insert "$plain"
round "$plain" 9a RSA-3072 "$aes128" 01
aes192=$(openssl rand -hex 24)
echo "$aes192" >"$plain/management-key"
echo 10 >"$plain/management-cipher"
round "$plain" 9c P-384 "$aes192" 02
is "$(verifies "$plain")" 3 'PINs were sent by OpenSC alone: one for 9A, two for 9C'

# A wrong key is tried once; then nobody but a person tries again.
before=$(state "$plain")
with "$(openssl rand -hex 24)" generate "$reader" 9a P-256 env:KEY
is "$status" 4 'a wrong management key: exit 4'
like "$said" 'not that of this card' 'and it is said'
: >"$plain/log"
with "$aes192" generate "$reader" 9a P-256 env:KEY
is "$status/$(commands "$plain")" 5/0 'the next, right or wrong, is not tried'
like "$said" 'prompt' 'the remedy is said'
is "$(audited 3)" 'generate begun management;generate refused management;generate forbidden management;' 'the audit log tells it'
rm -r "$XDG_STATE_HOME/signet/guard"

# What is not tried at all.
for bad in 0102 "${aes192}zz" "${aes192:0:46}zz" 123456; do
  : >"$plain/log"
  with "$bad" store "$reader" 9a "$work/certificate.der" env:KEY
  is "$status/$(commands "$plain")" 2/0 "'$bad' is no management key, and is not tried"
done
with "$aes128" store "$reader" 9a "$work/certificate.der" env:KEY
is "$status/$(grep -c '00 87' "$plain/log")" 2/1 'one of another length is not tried'
with "$aes192" store "$reader" 9a "$work/public.der" env:KEY
is "$status" 3 'what is no certificate is not stored'
with "$aes192" store "$reader" 9b "$work/certificate.der" env:KEY
is "$status" 3 'nor in what is no slot'
with "$aes192" generate "$reader" 9a RSA-512 env:KEY
is "$status" 3 'no key of a type that PIV has not'
is "$(state "$plain")" "$before" 'nothing of all this changed the card'

# One that is too large, for any card and for this one.
extensions=$(printf 'subjectAltName=DNS:%s' "$(for i in {1..150}; do printf 'a-long-name-%03d.example.com,DNS:' "$i"; done)end")
openssl req -new -x509 -key "$work/ca.key" -subj /CN=large -addext "$extensions" -outform DER -out "$work/large.der" 2>/dev/null
with "$aes192" store "$reader" 9a "$work/large.der" env:KEY
is "$status" 3 'a certificate that is too large'
like "$said" 'does not fit' 'is refused in words'
echo 500 >"$plain/object-max"
with "$aes192" store "$reader" 9a "$work/certificate.der" env:KEY
is "$status" 3 'so is one that is too large for this card'
like "$said" 'does not fit' 'in words'
rm "$plain/object-max"

# A card that does not prove that it knows the key gets nothing.
echo 1 >"$plain/false-proof"
with "$aes192" generate "$reader" 9a P-256 env:KEY
is "$status" 3 'a card that does not prove itself makes no key'
like "$said" 'did not prove' 'and it is said'
rm "$plain/false-proof"
is "$(state "$plain")" "$before" 'and it was asked for none'
rm -r "$XDG_STATE_HOME/signet/guard"

# Pulled out at each command on the way: nothing hangs, and what is said tells why.
: >"$plain/log"
with "$aes192" store "$reader" 9a "$work/certificate.der" env:KEY
total=$(commands "$plain")
result "$((status != 0 || total < 4))" "storing takes $total commands"
wrong=''
for ((n = 1; n <= total; n++)); do
  rm -rf "$XDG_STATE_HOME/signet/guard"
  echo "pull $n" >"$plain/fault"
  with "$aes192" store "$reader" 9a "$work/certificate.der" env:KEY
  [[ $status == 3 && $said == *'taken out'* ]] || wrong+="at $n: $status $said; "
  gone
  insert "$plain"
done
is "$wrong" '' 'pulled out at each of them: exit 3, and said'

done_testing
