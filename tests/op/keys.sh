#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a slot that holds nothing to keys and back: init, keygen, delete, on SoftHSM, and on a module that fails on the way. What
# is on the token is counted by a program that is not ours.
# usage: keys.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"

shim=$build/tests/lib/shim.so
mkdir "$work/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >"$work/softhsm2.conf"
export SOFTHSM2_CONF=$work/softhsm2.conf
export PIN=$test_pin SO=$test_so_pin

# run VERB…: output in $said, status in $status
run() {
  said=$("$signet" "$@" --module "${module:-$softhsm}" 2>&1 </dev/null)
  status=$?
}
make() { run keygen "$token" --pin env:PIN "$@"; }
token=release

# seen CLASS: how many such objects OpenSC's tool sees on the token, logged in
seen() {
  pkcs11-tool --module "$softhsm" --token-label "$token" --login --pin "$test_pin" -O --type "$1" 2>/dev/null |
    grep -cE '^(Private Key|Public Key|Certificate) Object'
}
keys() { echo "$(seen privkey)/$(seen pubkey)"; }
uri_of() { "$signet" objects "$token" --login --pin env:PIN --module "$softhsm" --json |
  jq -r --arg name "$1" --arg class "$2" '.objects[] | select(.label == $name and .class == $class) | .uri'; }

# A new token.
run tokens --all
like "$said" 'signet init new:[0-9]+' 'tokens --all names the slot that can be initialised'
run init new --label release --new-so-pin env:SO --new-pin env:PIN
is "$status" 0 'a token is made of it'
pkcs11-tool --module "$softhsm" --token-label release --login --pin "$test_pin" -O >/dev/null 2>&1
is "$?" 0 'whose PIN another program logs in with'
pkcs11-tool --module "$softhsm" --token-label release --login --login-type so --so-pin "$test_so_pin" --init-pin \
  --new-pin "$test_pin" >/dev/null 2>&1
is "$?" 0 'and whose SO PIN sets one'
run init new:99 --label x --new-so-pin env:SO --new-pin env:PIN
like "$status/$said" '^3/.*new:[0-9]+' 'a slot that is not there: the others are named'
for label in '' ' blank' "$(printf 'a\tb')" 'a label that is longer than 32 bytes'; do
  run init new --label "$label" --new-so-pin env:SO --new-pin env:PIN
  is "$status" 2 "'$label' is no label"
done
before=$(find "$work/tokens" -type f | wc -l)
SHORT=1 run init new --label other --new-so-pin env:SO --new-pin env:SHORT
is "$status/$(find "$work/tokens" -type f | wc -l)" "2/$before" 'a PIN that is too short: nothing is initialised'

# Every type, as asked for.
for type in rsa:3072 rsa:4096 ec:P-256 ec:P-384; do
  make --type "$type" --label "key $type" --json
  is "$status" 0 "$type is made"
  is "$(jq -c '.key.attributes | [.sensitive, ."always-sensitive", .extractable, ."never-extractable", .local, .sign, .decrypt, .unwrap, .derive]' <<<"$said")" \
    '[true,true,false,true,true,true,false,false,false]' 'it can sign, and cannot leave the token'
  jq -r '."public-key"' <<<"$said" >"$work/public.pem"
  is "$(openssl pkey -pubin -in "$work/public.pem" -outform DER 2>/dev/null | sha256sum | cut -d' ' -f1)" \
    "$(jq -r '."public-key-sha256"' <<<"$said")" 'the fingerprint is that of the public key'
  is "$(openssl pkey -pubin -in "$work/public.pem" -noout -text | grep -cE "Public-Key: \(${type#*:} bit|NIST CURVE: ${type#*:}|Exponent: 65537")" \
    "$([[ $type == rsa:* ]] && echo 2 || echo 1)" 'size or curve, and exponent, are right'
  id=$(jq -r .key.id <<<"$said")
  head -c 32 /dev/urandom >"$work/digest"
  if [[ $type == ec:* ]]; then
    token_tool release --sign --mechanism ECDSA --id "$id" --signature-format openssl -i "$work/digest" -o "$work/signature"
    openssl pkeyutl -verify -pubin -inkey "$work/public.pem" -in "$work/digest" -sigfile "$work/signature" >/dev/null 2>&1
  else
    token_tool release --sign --mechanism SHA256-RSA-PKCS --id "$id" -i "$work/digest" -o "$work/signature"
    openssl dgst -sha256 -verify "$work/public.pem" -signature "$work/signature" "$work/digest" >/dev/null 2>&1
  fi
  is "$?" 0 'another program signs with it by its id'
done
is "$(keys)" 4/4 'each has both its halves on the token'
make --type rsa:2048 --label small
like "$status/$said" '^2/.*allow-2048' 'RSA-2048 is not made by accident'
make --type rsa:2048 --label small --allow-2048
like "$status/$said" '^0/.*WARNING: no public CA' 'and with a warning when it is asked for'

# Ids and labels.
make --type ec:P-256 --label twice --id 0a0b
is "$status" 0 'an id can be given'
make --type ec:P-256 --label twice --id 0a:0B
like "$status/$said" "^2/.*'twice'.*has that id" 'one that is there is not given again'
make --type ec:P-256 --label twice
like "$status/$said" '^0/.*label .twice. already' 'a label that is there is told'
for id in '' 0 zz "$(printf '00%.0s' {1..65})"; do
  make --type ec:P-256 --label x --id "$id"
  is "$status" 2 "'${id:0:8}' is no id"
done
make --type ec:P-256
is "$status" 2 'a key needs a label'
make --type ec:P-256 --label $'a\tb'
is "$status" 2 'one that can be shown as it is'
make --type ec:P-256 --label x --slot 9c
is "$status" 3 'a token that is no card has no slots'
before=$(keys)
PIN=wrong-pin make --type ec:P-256 --label x
is "$status/$(keys)" "4/$before" 'a wrong PIN makes no key'
make --type ec:P-256 --label x
is "$status" 5 'and is not tried again unattended'
reset_by_hand "$token" --module "$softhsm"

# What fails on the way leaves nothing, or is named.
module=$shim
fault() { # CALL ACTION
  export SHIM_CALL=$1 SHIM_ACTION=$2
}
whole() { unset SHIM_CALL SHIM_ACTION SHIM_ALSO SHIM_GONE SHIM_ONCE SHIM_AFTER; }
before=$(keys)
fault C_GenerateKeyPair 0x31
make --type ec:P-256 --label full
like "$status/$said" '^3/.*CKR_DEVICE_MEMORY' 'a token that is full: exit 3, and said'
fault C_GenerateKeyPair half
make --type ec:P-256 --label half --id 79
like "$status/$said" '^3/.*CKR_DEVICE_MEMORY.*part of the key.*id 79' 'a token that is full half way: the half is named'
whole
run delete "pkcs11:token=$token;id=%79" --pin env:PIN --yes
is "$status/$(keys)" "0/$before" 'and removed as it was said'
fault C_GenerateKeyPair 0xd1
export SHIM_ONCE=$work/once
make --type ec:P-256 --label fallback --json
is "$status/$(jq .key.attributes.extractable <<<"$said")" 0/false \
  'a token that does not take all attributes is asked again with those that matter'
whole
"$signet" delete "$(uri_of fallback private-key)" --pin env:PIN --yes --module "$softhsm" >/dev/null 2>&1
is "$(keys)" "$before" 'neither left anything'
fault C_GenerateKeyPair lie
make --type ec:P-256 --label liar
like "$status/$said" '^3/.*can leave it.*deleted again' 'a key that can leave the token is an error'
is "$(keys)" "$before" 'and is deleted again'
SHIM_ACTION=open make --type ec:P-256 --label open
like "$status/$said" '^3/.*without a login.*deleted again' 'so is one that wants no login'
SHIM_ACTION=three make --type rsa:3072 --label three
like "$status/$said" '^3/.*public exponent.*deleted again' 'and one with another public exponent'
is "$(keys)" "$before" 'all of them are deleted again'
export SHIM_ALSO=C_DestroyObject=0x30
make --type ec:P-256 --label liar --id 77
like "$status/$said" '^3/.*cannot be deleted.*id 77' 'where it cannot be, it is named'
whole
is "$(keys)" "$((${before%/*} + 1))/$((${before#*/} + 1))" 'it is there'
run delete "pkcs11:token=$token;id=%77" --pin env:PIN --yes
is "$status/$(keys)" "0/$before" 'and what was said removes it'
export SHIM_GONE=C_GenerateKeyPair
make --type ec:P-256 --label pulled --id 78
like "$status/$said" '^3/.*does not show it.*CKR_DEVICE_REMOVED.*id 78' 'pulled out once the key is made: it is named'
whole
run delete "pkcs11:token=$token;id=%78" --pin env:PIN --yes
is "$status/$(keys)" "0/$before" 'and removed as it was said'
fault C_GenerateKeyPair abort
make --type ec:P-256 --label crashed
like "$status/$said" '^8/.*no public half with the id [0-9a-f]{16}' 'a module that crashes: what may be left is said'
whole

# A token that takes long is spoken of, and given up when a person wants that.
fault C_GenerateKeyPair delay
"$tests/lib/typed.py" 'PIN of' "$test_pin" -- "$signet" keygen "$token" --type ec:P-256 --label slow --module "$shim" >"$work/said"
like "$?/$(tr -d '\r' <"$work/said")" '^0/.*still making the key, [4-9] s' 'a token that takes long is told of'
whole
run delete "$(uri_of slow private-key)" --pin env:PIN --yes
fault C_GenerateKeyPair hang
SHIM_LOG=$work/given-up.log "$signet" keygen "$token" --type ec:P-256 --label given-up --pin env:PIN --module "$shim" \
  >"$work/said" 2>&1 &
given_up=$!
wait_for grep -qs C_GenerateKeyPair "$work/given-up.log"
kill -INT "$given_up"
wait "$given_up"
like "$?/$(cat "$work/said")" '^130/.*if a key was made all the same' 'given up: exit 130, and what may be left is said'
whole
is "$(keys)" "$before" 'nothing is'

# Deleting: one half at a time where it must be, never another object.
make --type ec:P-384 --label halves --id 66
export SHIM_AFTER=1
fault C_DestroyObject 0x30
run delete "pkcs11:token=$token;id=%66" --pin env:PIN --yes
like "$status/$said" '^3/.*1 of 2 parts are deleted.*type=public' 'a token that stops half way: the rest is named'
whole
run delete "pkcs11:token=$token;id=%66" --pin env:PIN --yes
is "$status/$(keys)" "0/$before" 'and can be deleted'
run delete "pkcs11:token=$token;id=%66" --pin env:PIN --yes
is "$status" 3 'what is not there is not deleted'
run delete "pkcs11:token=$token" --pin env:PIN --yes
is "$status" 2 'nor is a token'
run delete twice --pin env:PIN --yes
is "$status" 2 'nor what is named by its label alone'
run delete "pkcs11:token=$token;object=twice;type=private" --pin env:PIN --yes
is "$status/$(keys)" "2/$before" 'nor one of two that have the same label'
run delete "pkcs11:token=$token;id=%0A%0B" --pin env:PIN
like "$status/$said" "^2/.*lost: private-key 'twice'.*nothing was deleted" 'nor anything before it was asked for'

# Two private keys of one id, and a public half that may be that of either: neither is deleted on its word.
module=$softhsm
for label in first second; do
  token_tool "$token" --keypairgen --key-type EC:prime256v1 --id 6a --label "$label"
done
token_tool "$token" --delete-object --type pubkey --label second
twins=$(keys)
run delete "pkcs11:token=$token;id=%6a;object=second;type=private" --pin env:PIN --yes
like "$status/$(keys)/$said" "^3/$twins/.*cannot be told for sure" 'of two keys with one id, none is deleted on a guess'
for type in privkey privkey pubkey; do token_tool "$token" --delete-object --type "$type" --id 6a; done

# Keys with certificates.
for id in 51 52 53; do
  make --type ec:P-256 --label "signer-$id" --id "$id"
  [[ -f $work/ca.pem ]] || openssl req -x509 -newkey rsa:2048 -noenc -days 3650 -subj '/CN=Test CA' -keyout "$work/ca.key" \
    -out "$work/ca.pem" 2>/dev/null
  make_certificate "$token" "$id" "Signer $id"
done
# Who signs may name a key by its certificate's label; who deletes names what goes.
before=$(keys)
run delete "pkcs11:token=$token;object=Signer%2053;type=private" --pin env:PIN --yes
is "$status/$(keys)/$(seen cert)" "3/$before/3" 'no key has the label of its certificate'
run delete "pkcs11:token=$token;object=Signer%2053" --pin env:PIN --yes
is "$status/$(keys)/$(seen cert)" "0/$before/2" 'which alone is meant by it'
run delete "pkcs11:token=$token;object=signer-53" --pin env:PIN --yes
before=$(keys)
run delete "pkcs11:token=$token;id=%51" --pin env:PIN --yes
like "$status/$said" '^2/.*type=private or ;type=cert' 'an id that a key and a certificate have needs the type'
run delete "pkcs11:token=$token;id=%51;type=private" --pin env:PIN --yes
like "$status/$said" "^5/.*CN=Signer 51.*can sign nothing.*types 'signer-51'" 'a key with a valid certificate: --yes does not do'
is "$(keys)" "$before" 'and it stays'
"$tests/lib/typed.py" 'PIN of' "$test_pin" 'Type the label' signer-5 -- \
  "$signet" delete "pkcs11:token=$token;id=%51;type=private" --module "$softhsm" >"$work/said"
is "$?/$(keys)" "5/$before" 'nor does another label'
"$tests/lib/typed.py" 'PIN of' "$test_pin" 'Type the label' signer-51 -- \
  "$signet" delete "pkcs11:token=$token;id=%51;type=private" --module "$softhsm" >"$work/said"
is "$?/$(keys)/$(seen cert)" "0/$((${before%/*} - 1))/$((${before#*/} - 1))/2" 'its own does; the certificate stays'
run delete "pkcs11:token=$token;id=%51" --pin env:PIN --yes
like "$status/$(seen cert)/$said" '^0/1/.*lost: certificate .*CN=Signer 51' 'which can be deleted alone'
"$tests/lib/typed.py" 'PIN of' "$test_pin" 'Type the label' signer-52 -- \
  "$signet" delete "pkcs11:token=$token;id=%52;type=private" --certificates --module "$softhsm" >"$work/said"
is "$?/$(seen cert)" 0/0 'a key and its certificates at once'

# PINs, and a token made new that is not empty.
module=$shim
fault C_SetPIN 0xa1
NEW=$test_so_pin-2 run change-pin "$token" --so-pin env:SO --new-pin env:NEW
like "$status/$said" '^[34]/.*C_SetPIN' 'a new SO PIN that the token does not take'
whole
module=$softhsm
NEW=$test_so_pin-2 run change-pin "$token" --so-pin env:SO --new-pin env:NEW
is "$status" 0 'is no try of the old one: the SO PIN is changed'
run change-pin "$token" --so --so-pin env:SO --pin env:SO --new-pin env:PIN
is "$status" 2 'one source is enough'
SO=wrong-so-1 run init "$token" --label again --so-pin env:SO --new-pin env:PIN --yes
like "$status/$said" "^5/.*lost: public-key 'key rsa:3072'.*hides before a login" 'what will be lost is named, and --yes does not do'
again() { # SO_PIN
  SO=$1 "$tests/lib/typed.py" 'Type its label' "$token" -- "$signet" init "$token" --label again --so-pin env:SO --new-pin env:PIN \
    --module "$softhsm" >"$work/said"
}
before=$(keys)
again wrong-so-1
is "$?/$(keys)" "4/$before" 'a wrong SO PIN: exit 4, and nothing is lost'
again "$test_so_pin-2"
is "$?/$(keys)" "5/$before" 'then the right one is not tried unattended'
SO_TYPED=$test_so_pin-2
"$tests/lib/typed.py" 'Type its label' "$token" 'SO PIN of' "$SO_TYPED" -- "$signet" init "$token" --label again \
  --so-pin prompt --new-pin env:PIN --module "$softhsm" >"$work/said"
token=again
is "$?/$(keys)" 0/0/0 'a person types it, and the token is new'
make --type ec:P-256 --label fresh
is "$status" 0 'keys are made on it'
module=$shim
fault C_InitToken abort
run init new --label half --new-so-pin env:SO --new-pin env:PIN
like "$status/$said" '^8/.*whether the token was made new.*is not known' 'a module that crashes meanwhile: what is not known is said'
fault C_InitPIN 0xa2
run init new --label half --new-so-pin env:SO --new-pin env:PIN
like "$status/$said" '^[234]/.*initialised, but has no user PIN.*signet unblock' 'a user PIN that cannot be set: it is said how to go on'
whole
module=$softhsm
SO=$test_so_pin run unblock half --so-pin env:SO --new-pin env:PIN --yes
is "$status" 0 'and so one does'
OLD=$PIN SHORT=1 run change-pin half --pin env:OLD --new-pin env:SHORT
like "$status/$said" '^2/.*env:SHORT is not tried.* to ' 'a new PIN that is too short goes by its own name'

# A label that is empty cannot be typed by the Enter key.
softhsm2-util --init-token --free --label '' --so-pin "$test_so_pin" --pin "$test_pin" >/dev/null
nameless=$("$signet" tokens --module "$softhsm" --json | jq -r '.tokens[] | select(.label == "") | .serial')
SO=$test_so_pin "$tests/lib/typed.py" 'Type its label' '' -- "$signet" init "$nameless" --label again-2 --so-pin env:SO \
  --new-pin env:PIN --module "$softhsm" >"$work/said"
like "$?/$(tr -d '\r' <"$work/said")" "^5/.*types 'delete for ever'" 'a token without a label is not made new by Enter'
result "$(! grep -rqE "$test_pin|$test_so_pin" "$XDG_STATE_HOME"; echo $?)" 'no PIN stands in any state file'
done_testing
