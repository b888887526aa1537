#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Counters as the card tells them: exact, and never changed by a reading. The card and pcscd both count VERIFY commands.
# usage: counters.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"

start_pcscd
plain=$work/plain yubikey=$work/yubikey neo=$work/neo
make_card "$plain"
make_card_key "$plain" 9a rsa:2048
make_card "$yubikey" 5.4.3
make_card_key "$yubikey" 9a P-256
make_card "$neo" 1.0.4
make_card_key "$neo" 9a rsa:2048

# counters [ARGUMENT…]: name, left, maximum, default and source of each counter of the one card, a line for each
counters() {
  "$signet" counters --json "$@" | jq -r '(.tokens + .cards)[].counters[] |
    [.name, .left, .maximum, .default, .logged_in // empty, ."known-by"] | map(tostring) | join(" ")'
}

insert "$plain"
before=$(state "$plain")
said=$("$signet" counters)
is "$?" 0 'a plain PIV card is read'
like "$said" 'PIN +3 tries left +\[card, empty VERIFY\]' 'its PIN: three left'
like "$said" 'PUK +not known: PIV has no way' 'its PUK: not known, and why'
is "$(counters)" $'PIN 3 null null card, empty VERIFY\nPUK null null null not told' 'the same in JSON'
echo 1 >"$plain/pin-left"
is "$(counters | head -n 1)" 'PIN 1 null null card, empty VERIFY' 'one left'
echo 0 >"$plain/pin-left"
like "$("$signet" counters)" 'PIN +BLOCKED' 'none left'
rm "$plain/pin-left"
"$signet" containers >/dev/null 2>&1
is "$(state "$plain")" "$before" 'no reading changed the card'
is "$(verifies "$plain")/$(seen_verifies)" 0/0 'no VERIFY had a PIN in it'
like "$(cat "$plain/log")" '00 20 00 80 0' 'the empty one was sent'
pull

insert "$yubikey"
before=$(state "$yubikey")
said=$("$signet" counters)
like "$said" 'YubiKey PIV 5\.4\.3' 'a YubiKey is known'
is "$(counters)" $'PIN 3 3 true card, GET METADATA\nPUK 3 3 true card, GET METADATA' 'PIN and PUK with maxima and defaults'
printf 654321 >"$yubikey/pin"
printf 5 >"$yubikey/pin-max"
printf 2 >"$yubikey/pin-left"
printf 15 >"$yubikey/puk-max"
printf 0 >"$yubikey/puk-left"
before=$(state "$yubikey")
is "$(counters)" $'PIN 2 5 false card, GET METADATA\nPUK 0 15 true card, GET METADATA' 'and when they are others'
like "$("$signet" counters)" 'PUK +BLOCKED' 'a blocked PUK'
is "$(state "$yubikey")" "$before" 'no reading changed the card'
is "$(verifies "$yubikey")/$(seen_verifies)" 0/0 'no VERIFY had a PIN in it'
pull

insert "$neo"
before=$(state "$neo")
is "$(counters)" $'PIN 3 null null card, empty VERIFY\nPUK null null null not told' 'a YubiKey NEO, which answers 63 0x'
is "$(state "$neo")" "$before" 'no reading changed the card'
pull

# Cards that answer SELECT in ways of their own: the whole name; a template without a length, and no name in it; and one
# that answers with the template of another application, which is left alone.
# Without OpenSC's module, which asks more boldly.
make_token other
insert "$plain"
for answer in 61164f0ba00000030800001000010079074f05a000000308 61004f0201007909a00000030800001000; do
  echo "$answer" >"$plain/select"
  is "$(counters --module "$softhsm" | grep VERIFY)" 'PIN 3 null null card, empty VERIFY' "a card that answers $answer"
done
for answer in '' 6f00 610d4f0ba0000003970000 4f06000010000100; do
  echo "${answer:-00}" >"$plain/select"
  : >"$plain/log"
  is "$(counters --module "$softhsm" | grep -v PKCS#11)/$(grep -c '00 20' "$plain/log")" /0 "one that answers '$answer' is no PIV card, and is not asked"
done
rm "$plain/select"
pull
rm -r "$work/tokens"
mkdir "$work/tokens"

# Locked and unlocked, ten times, by another program. Each figure on the way is the card's.
pin_command() { # INS PIN [NEW]: each padded with FF to eight bytes
  local text hex='' filler=ffffffffffffffff
  for text in "${@:2}"; do hex+=$(printf '%s' "$text" | xxd -p)${filler:2*${#text}}; done
  printf '00%s0080%02x%s' "$1" $((${#hex} / 2)) "$hex"
}
select_piv=00a404000bA000000308000010000100
figures=''
insert "$plain"
for ((round = 0; round < 10; round++)); do
  for ((left = 2; left >= 0; left--)); do
    apdu "$select_piv" "$(pin_command 20 999999)" >/dev/null
    figures+=$(counters | sed -n 's/^PIN \([^ ]*\) .*/\1/p')
  done
  figures+=$(apdu "$select_piv" "$(pin_command 2c 12345678 123456)" | tail -n 1)
  figures+=$(counters | sed -n 's/^PIN \([^ ]*\) .*/\1/p')' '
done
is "$figures" "$(printf '21090003 %.0s' {1..10})" 'ten times locked and unlocked, each figure right'
is "$(verifies "$plain")/$(seen_verifies)" 30/30 'and no VERIFY but those'
pull

done_testing
