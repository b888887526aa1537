#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a person may call a token or a card, the same words for each verb, and what is said where a name fits none or several.
# usage: names.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"

start_pcscd
make_token other
card=$work/card second=$work/second
make_card "$card" 5.4.3
echo 4711 >"$card/serial"
make_card_key "$card" 9a P-256
make_card "$second"
insert "$card"

# run VERB ARGUMENT…: $status and what was said
run() {
  said=$("$signet" "$@" 2>&1 </dev/null)
  status=$?
}
# documents VERB ARGUMENT…: tokens and cards in its JSON
documents() { "$signet" "$@" --json 2>/dev/null | jq -r '"\(.tokens | length)/\(.cards | length)"'; }

for verb in counters containers; do
  is "$(documents "$verb" "$reader" --module "$softhsm")" 0/1 "$verb: a card by its reader"
  is "$(documents "$verb" 'virtual pcd' --module "$softhsm")" 0/1 "$verb: by the beginning of its reader's name"
  is "$(documents "$verb" 4711 --module "$softhsm")" 0/1 "$verb: by its serial"
  is "$(documents "$verb" "$reader" --module "$opensc")" 1/0 "$verb: the token in that reader"
  is "$(documents "$verb" other --module "$softhsm")" 1/0 "$verb: a token without a card"
done
for verb in counters containers objects reset-counter change-pin unblock; do
  run "$verb" nosuch --module "$softhsm"
  is "$status" 3 "$verb: a name that nothing has"
  like "$said" 'tokens here: @1 .*no reader with a card' 'and what there is'
  run "$verb" '' --module "$softhsm"
  is "$status" 3 "$verb: an empty name fits nothing"
done
run attest '' --slot 9a --module "$softhsm"
is "$status" 3 'attest: an empty name fits nothing'
run attest "$reader" --module "$softhsm"
is "$status" 2 'attest: a card without --slot'
like "$said" '--slot' 'and what to say'
run attest virtual --slot 9c --module "$softhsm"
like "$said" 'no key in slot 9C' 'attest: the one reader that begins so and has a card'
for verb in objects reset-counter change-pin; do
  run "$verb" "$reader" --module "$softhsm"
  is "$status" 3 "$verb: a card that no module shows"
  like "$said" 'no module here shows the card .*signet doctor' 'and what to do'
done

# Two readers with a card each
"$piv_card" 127.0.0.1 35964 "$second" 2>>"$work/card.err" &
second_pid=$!
# shellcheck disable=SC2317  # wait_for calls it
has_second() { opensc-tool -l 2>/dev/null | grep -qE '^1 +Yes '; }
wait_for has_second
for verb in counters containers unblock; do
  run "$verb" virtual --module "$softhsm"
  is "$status" 2 "$verb: the names of two readers begin so"
  like "$said" 'several readers' 'and it is asked which'
done
is "$(documents counters 'Virtual PCD 00 01' --module "$softhsm")" 0/1 'the second, by its whole name'
is "$(documents counters 4711 --module "$softhsm")" 0/1 'the first, by its serial'
is "$(documents counters --module "$softhsm")" 1/2 'without a name, all'
is "$(verifies "$card")/$(verifies "$second")/$(seen_verifies)" 0/0/0 'no PIN was sent'
stop "$second_pid"

pull

# A card with two applications, of which a module shows one without a word of which
make_card "$work/both"
make_card_key "$work/both" 9c rsa:2048
echo 1 >"$work/both/gids"
insert "$work/both"
like "$("$signet" counters "$reader")" 'application +PIV card.*application +GIDS' "it is told whose the PINs are"
export PIN=123456 PUK=12345678 NEW=234567
run reset-counter "$reader" --module "$opensc" --pin env:PIN
is "$status" 0 'its counter is reset'
like "$said" 'Logged in to' 'and that is said'
is "$("$signet" reset-counter --module "$opensc" --pin env:PIN --json 2>/dev/null | jq -r '."known-by"')" 'flags of the token' \
  'in JSON too'
run unblock --module "$opensc" --puk env:PUK --new-pin env:NEW --yes
is "$status" 2 'unblock asks which application is meant'
like "$said" '--application' 'by its option'
run unblock --module "$opensc" --application piv --puk env:PUK --new-pin env:NEW --yes
is "$status/$(cat "$work/both/pin")" 0/234567 'and takes that'
pull

# Pulled out in the middle: the card stays in the document, with the reason.
insert "$card"
echo 'pull 3' >"$card/fault"
said=$("$signet" counters --module "$softhsm" --json 2>/dev/null)
is "$(jq -r '.cards[] | "\(.reader) \(.counters | length)"' <<<"$said")" "$reader 0" 'a card that is pulled out stays in the list'
like "$(jq -r '.cards[].problem' <<<"$said")" 'taken out' 'with the reason'
gone
insert "$card"
echo 'pull 3' >"$card/fault"
said=$("$signet" containers "$reader" --module "$softhsm" --json 2>/dev/null)
like "$(jq -r '.cards[].problem' <<<"$said")" 'taken out|stopped' 'so does one that was named'
gone
for verb in counters containers; do
  run "$verb" "$reader" --module "$softhsm"
  is "$status" 3 "$verb: a reader that was named, without a card"
  like "$said" 'no card is in the reader' 'and that is said'
done
insert "$card"
echo 'pull 2' >"$card/fault"
run counters "$reader" --module "$softhsm"
is "$status" 3 'one that was named and could not be read is no success'
gone
insert "$card"
printf %s "$test_pin" >"$work/pin"
chmod 600 "$work/pin"
said=$("$signet" reset-counter other --module "$softhsm" --pin "file:$work/pin" 2>&1 >/dev/full)
is "$?" 1 'an output that cannot be written is no success'
like "$said" 'all was done, but it cannot write the output' 'and it is said that the work is done'
pull

# The longest lines, but for what is there to be copied, on 80 columns; a token without a label; two with one
make_card "$work/plain"
make_card_key "$work/plain" 9a rsa:2048
insert "$work/plain"
make_token ''
make_token other
: >"$card/log"
said=$("$signet" counters --module "$softhsm"; "$signet" containers --module "$softhsm")
is "$(grep -v -e "'pkcs11:" -e sha256: <<<"$said" | awk 'length > 80')" '' 'no line is longer than 80 columns'
like "$said" '@[0-9]  without a label \(SoftHSM' 'a token without a label is told so'
run counters other --module "$softhsm"
is "$status" 2 'two tokens of one label'
like "$said" 'several tokens fit' 'and it is asked which'
pull
stop_pcscd

# What check says to programs, when the PIN of a profile's card is used up
friendly='Virtual PCD'
start_pcscd
insert "$work/plain"
run profile new plain --token "$reader" --module "$opensc" --pin env:PIN
is "$status" 0 'a profile for the token in a reader'
is "$("$batch" check plain --json 2>/dev/null | jq -c '[.ready, .exit]')" '[true,0]' 'a profile that is ready, in JSON'
echo 0 >"$work/plain/pin-left"
said=$("$batch" check plain --json 2>/dev/null)
is "$?/$(jq -c '[.exit, (.findings[] | select(.level == "error") | .subject, .code)]' <<<"$said")" '5/[5,"tries","forbidden"]' \
  'a locked PIN: the exit status and its reason are in the document'
is "$(jq -r '.findings[] | select(.subject == "tries") | .level' <<<"$said" | sort -u | xargs)" 'error warning' 'and nothing of it is ok'
said=$("$batch" check plain 2>/dev/null; "$signet" profile signtool plain)
is "$(grep -v -e "'pkcs11:" -e 'sign --' -e 'signtool sign' <<<"$said" | awk 'length > 80')" '' 'what is said is no wider than 80 columns'
pull
stop_pcscd

# A reader whose name is meant for the terminal
friendly=$'Ev\e[31mil\xff'
start_pcscd
insert "$card"
for verb in counters containers "unblock ev" "attest ev --slot 9c"; do
  # shellcheck disable=SC2086
  said=$("$signet" $verb --module "$softhsm" 2>&1 </dev/null)
  is "$(grep -c $'\e' <<<"$said")" 0 "$verb: nothing of its name reaches the terminal"
done
echo 'pull 3' >"$card/fault"
said=$("$signet" counters --module "$softhsm" 2>&1)
is "$(grep -c $'\e' <<<"$said")" 0 'nor when the card is pulled out'
like "$said" 'x1B.31mil' 'it is shown all the same'
gone
insert "$card"
is "$("$signet" counters ev --module "$softhsm" --json 2>/dev/null | jq -r '.cards | length')" 1 'and JSON is whole'
pull
done_testing
