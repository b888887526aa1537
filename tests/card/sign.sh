#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs are signed over the whole stack: profile, OpenSC's module, pcscd, reader, card.
# usage: sign.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"

export SIGNET_PIN=123456
start_pcscd
make_programs 3 1000

# card_profile NAME ID: the key with this CKA_ID on the card that is in
card_profile() {
  mkdir -p "$XDG_CONFIG_HOME/signet/profiles"
  printf '%s\n' 'signet: 1' "module: $opensc" "key: \"pkcs11:id=%$2;type=private\"" 'pin: env:SIGNET_PIN' \
    >"$XDG_CONFIG_HOME/signet/profiles/$1.yaml"
}
card_profile authentication 01
card_profile signature 02

holds() { osslsigncode verify -CAfile "$work/ca.pem" -in "$1" >"$work/judge.txt" 2>&1; }

# signs PROFILE CARD WHAT: all programs, anew
signs() {
  local said file held=0
  : >"$2/log"
  said=$("$batch" sign "$1" --existing replace "$work"/files/*.exe 2>&1)
  is "$?" 0 "$3: three programs are signed"
  [[ $said == *'3 signed'* ]] || echo "# $said"
  for file in "$work"/files/*.exe; do holds "$file" && held=$((held + 1)); done
  is "$held" 3 "$3: osslsigncode finds the signatures good"
}

for kind in rsa:2048 rsa:3072 P-256 P-384; do
  card=$work/card-$kind
  make_card "$card"
  make_card_key "$card" 9a "$kind"
  insert "$card"
  signs authentication "$card" "$kind in 9A"
  is "$(verifies "$card")" 1 "$kind in 9A: one VERIFY for all"
  pull
done

# 9C wants the PIN for each signature; and a YubiKey, with its extensions.
for version in '' 5.4.3; do
  card=$work/card-9c$version
  make_card "$card" "$version"
  make_card_key "$card" 9c rsa:2048
  insert "$card"
  signs signature "$card" "9C${version:+ of a YubiKey}"
  is "$(state "$card" | grep -c left)" 1 'no try is lost'
  pull
done

# A wrong PIN costs one try, whatever the number of files; then nothing more is tried.
insert "$card"
SIGNET_PIN=999999 "$batch" sign signature --existing replace "$work"/files/*.exe >/dev/null 2>&1
is "$?/$(cat "$card/pin-left")" 4/2 'a wrong PIN: exit 4, one try'
"$batch" sign signature --existing replace "$work"/files/*.exe >/dev/null 2>&1
is "$?/$(cat "$card/pin-left")" 5/2 'then nothing is tried'
like "$("$signet" counters)" 'PIN +2 of 3 tries left' 'and the counter tells it'
pull

# Pulled out in the middle of the run: it ends, in words. What was signed by then holds.
card=$work/card-rsa:2048
insert "$card"
# The first run asks more of the card than those after it.
for _ in 1 2; do
  : >"$card/log"
  "$batch" sign authentication --existing replace "$work"/files/*.exe >/dev/null 2>&1
done
echo "pull $(($(commands "$card") - 3))" >"$card/fault"
began=$SECONDS
said=$("$batch" sign authentication --existing replace "$work"/files/*.exe 2>&1)
status=$?
is "$status" 3 'the card is pulled out while signing: exit 3'
# OpenSC's module may hang then: it has a minute to sign, and as long to start anew.
result "$((SECONDS - began > 120))" "within two minutes: $((SECONDS - began)) s"
like "$said" '(gone|taken out|removed|REMOVED|not recognized|no answer)' 'and it is said'
held=0
for file in "$work"/files/*.exe; do holds "$file" && held=$((held + 1)); done
is "$held" 3 'no program was left half signed'
gone

done_testing
