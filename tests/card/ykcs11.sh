#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The YubiKey's own module beside OpenSC's: one device, and keys that both can sign with. PINs are test PINs.
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "${1:?usage: ykcs11.sh BUILD_FOLDER}"
# shellcheck disable=SC2034
reader_name='Yubico YubiKey OTP+FIDO+CCID' # ykcs11 looks at no other readers
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"
ykcs11=$(find /usr/lib -name 'libykcs11.so*' | sort | head -n 1)
start_pcscd
card=$work/yubikey
make_card "$card" 5.4.3
make_card_key "$card" 9a rsa:2048
make_card_key "$card" 9c P-256
insert "$card"
export SIGNET_PIN=123456

list() { "$signet" tokens --module "$ykcs11" --module "$opensc" --json "$@"; }
is "$(list | jq -r '[.tokens[] | .serial] | join(" ")')" 1234567 'one card that two modules show is one token, the YubiKey'"'"'s own'
is "$(list --all | jq -r '[.tokens[] | select(.hidden == "same device")] | length')" 1 'the other is hidden as the same device'
pairs=$("$signet" objects @1 --module "$ykcs11" --json | jq -r '[.objects[] | select(.type == "public-key" or .class == "public-key") | .id] | join(" ")')
is "$pairs" '01 02' 'both keys are there'
like "$("$signet" objects @1 --module "$ykcs11" | grep -A6 '^public-key  P-256')" 'its certificate' \
  'a curve that is written out in numbers is the one that the certificate names'

make_programs 2 1000
mkdir -p "$XDG_CONFIG_HOME/signet/profiles"
for id in 01 02; do
  printf '%s\n' 'signet: 1' "module: $ykcs11" "key: \"pkcs11:id=%$id;type=private\"" 'pin: env:SIGNET_PIN' \
    >"$XDG_CONFIG_HOME/signet/profiles/by$id.yaml"
  "$batch" sign "by$id" --existing replace "$work"/files/*.exe >"$work/said" 2>&1
  is "$?" 0 "key $id signs by ykcs11"
  osslsigncode verify -CAfile "$work/ca.pem" -in "$work/files/2.exe" >"$work/judge" 2>&1
  is "$?" 0 "and osslsigncode finds it good"
done
is "$(cat "$card/pin-left" 2>/dev/null || echo 3)" 3 'no try is lost'
SIGNET_PIN=999999 "$batch" sign by01 --existing replace "$work"/files/*.exe >"$work/said" 2>&1
like "$?/$(cat "$work/said")" '4/.*2 of 3 tries left' 'a wrong PIN is told with what the card counts'
SIGNET_PIN=123456 "$batch" sign by01 --existing replace "$work"/files/*.exe >"$work/said" 2>&1
like "$?/$(cat "$work/said")" '5/' 'and then nothing is tried'
done_testing
