#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tries as the card counts them: what unattended logins may spend, and how a blocked PIN is opened again. PINs are test PINs.
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "${1:?usage: unblock.sh BUILD_FOLDER}"
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"
start_pcscd

figure() { # PIN|PUK: what `counters` says of it
  "$signet" counters --module "$opensc" --json |
    jq -r --arg name "$1" '(.tokens + .cards)[0].counters[] | select(.name == $name) | "\(.left)/\(.maximum)"'
}
# login PIN: unattended, on a machine that remembers nothing
login() {
  rm -rf "$XDG_STATE_HOME"
  PIN=$1 "$signet" objects --login --module "$opensc" --pin env:PIN >"$work/said" 2>&1
}
# unblock PUK NEW [ARGUMENT…]: unattended, on a machine that remembers nothing
unblock() {
  local puk=$1 new=$2
  shift 2
  rm -rf "$XDG_STATE_HOME"
  PUK=$puk NEW=$new "$signet" unblock --module "$opensc" --puk env:PUK --new-pin env:NEW --yes "$@" >"$work/said" 2>&1
}
by_hand() { # VERB PIN ANSWER…: what a person types
  "$tests/lib/typed.py" "${@:2}" -- "$signet" "$1" --module "$opensc" >"$work/said" 2>&1
}

# hold: another program at the card, until let_go
hold() {
  mkfifo "$work/hold"
  : >"$work/held"
  "$build/tests/card/holder" "$reader" shared <"$work/hold" >"$work/held" &
  holder=$!
  exec 9>"$work/hold"
  wait_for grep -q held "$work/held"
}
let_go() {
  exec 9>&-
  wait "$holder"
  rm "$work/hold"
}

card=$work/yubikey
make_card "$card" 5.4.3
make_card_key "$card" 9a P-256
insert "$card"

# Ten runners with yesterday's PIN.
for _ in {1..10}; do login 999999; done
is "$?/$(figure PIN)" 5/2/3 'ten machines with a wrong PIN cost one try'
like "$(cat "$work/said")" 'has 2 of 3 tries left \(card, GET METADATA\), and unattended it takes 3' 'and say why'
# Ten at once: those that wait in the queue are no other program at the card.
rm -rf "$XDG_STATE_HOME"
pids=()
for _ in {1..10}; do
  PIN=999999 "$signet" objects --login --module "$opensc" --pin env:PIN >/dev/null 2>&1 &
  pids+=($!)
done
wait "${pids[@]}"
is "$(figure PIN)" 2/3 'ten at once spend none of the two that are left'
# While another program has the card, its counter cannot be read: what it told last holds.
hold
PIN=999999 "$signet" objects --login --module "$opensc" --pin env:PIN >"$work/said" 2>&1
is "$?" 5 'nor is one spent while another program uses the card'
like "$(cat "$work/said")" '2 of 3 tries left \(card, GET METADATA\) when last read, 20' 'since they were counted before'
let_go
is "$(figure PIN)" 2/3 'so two are left'
by_hand reset-counter 'PIN of' 123456
is "$?/$(figure PIN)" 0/3/3 'a person logs in'
like "$(cat "$work/said")" 'PIN before: 2 of 3 tries left.*now: 3 of 3' 'and sees both figures'

for cycle in {1..10}; do
  for left in 2 1 0; do
    apdu 00:A4:04:00:05:A0:00:00:03:08 00:20:00:80:08:39:39:39:39:39:39:FF:FF >/dev/null
    is "$(figure PIN)" "$left/3" "cycle $cycle: $left left"
  done
  login 123456
  like "$?/$(cat "$work/said")" '5/.*locked; .*signet unblock' "cycle $cycle: locked, no try, and the way out"
  unblock 12345678 123456
  is "$?/$(figure PIN)/$(figure PUK)" 0/3/3/3/3 "cycle $cycle: unblocked"
done
login 123456
is "$?" 0 'the new PIN works'

# The PUK has tries of its own.
unblock 11111111 123456
is "$?/$(figure PUK)" 4/2/3 'a wrong PUK'
like "$(cat "$work/said")" '63C2.*2 of 3 tries left' 'its tries are told'
unblock 12345678 123456
is "$?/$(figure PUK)" 5/2/3 'unattended it is not tried again, by no machine'
by_hand unblock 'not known to be blocked' y 'PUK of' 11111111 'New PIN' 123456 'Once more' 123456
is "$?/$(figure PUK)" 4/1/3 'a person may'
by_hand unblock 'not known to be blocked' y 'PUK of' 12345678 'New PIN' 654321 'Once more' 654321 'LAST TRY' no
is "$?/$(figure PUK)" 5/1/3 'the last try asks for the label'
by_hand unblock 'not known to be blocked' y 'PUK of' 12345678 'New PIN' 654321 'Once more' 654321 'LAST TRY' 'Signer 9a'
is "$?/$(figure PUK)/$(cat "$card/pin")" 0/3/3/654321 'with it, it is made'
by_hand unblock 'not known to be blocked' n
like "$?/$(cat "$work/said")" '2/.*nothing was changed' 'a PIN that is not blocked is asked about'
unblock 12345678 12345
like "$?/$(cat "$work/said")" '2/.*6 to 8' 'a PIN that cannot be right is not tried'
is "$(figure PUK)" 3/3 'and costs nothing'

# Nothing opens it any more.
printf 0 >"$card/pin-left"
printf 0 >"$card/puk-left"
unblock 12345678 123456
like "$?/$(cat "$work/said")" '5/.*certificates can still be read' 'a card that is blocked for good: what it still allows'
printf 3 >"$card/pin-left"
printf 3 >"$card/puk-left"
is "$(grep -c '^00 FA' "$card/log")" 0 'what brings back the default PINs is never sent'

# Pulled out at each command: a clear end, no second try, and exit 0 only where the PIN was set.
by_reader() { # PUK NEW
  rm -rf "$XDG_STATE_HOME"
  NEW=$2 PUK=$1 "$signet" unblock "$reader" --module "$softhsm" --puk env:PUK --new-pin env:NEW --yes >"$work/said" 2>&1
}
printf 123456 >"$card/pin"
commands_before=$(commands "$card")
by_reader 12345678 123456
is "$?" 0 'a card is opened by its reader'"'"'s name, whatever module there is'
needed=$(($(commands "$card") - commands_before))
result "$((needed < 10))" "it takes $needed commands"
for ((at = 1; at <= needed; at++)); do
  printf 123456 >"$card/pin"
  echo "pull $at" >"$card/fault"
  by_reader 12345678 "65432$((at % 10))"
  status=$?
  gone
  : >"$card/fault"
  [[ $(cat "$card/pin") == 123456 ]] && wanted='[368]' || wanted='[0368]'
  [[ $status =~ ^$wanted$ && -s $work/said ]] || {
    is "$status" "$wanted" "pulled at $at of $needed"
    sed 's/^/# /' "$work/said"
  }
  insert "$card"
done
is "$(figure PIN)/$(figure PUK)" 3/3/3/3 "pulled out at each of $needed commands of unblock: no try is lost"
pull

# A card that does not tell its maximum, and that no module shows.
plain=$work/plain
make_card "$plain"
make_card_key "$plain" 9a P-256
printf 10 >"$plain/pin-left"
printf 10 >"$plain/pin-max"
insert "$plain"
PIN=123456 "$signet" objects --login --module "$opensc" --pin env:PIN >/dev/null
is "$?" 0 'ten tries, as it seems'
printf 9 >"$plain/pin-left"
PIN=123456 "$signet" objects --login --module "$opensc" --pin env:PIN >"$work/said" 2>&1
like "$?/$(cat "$work/said")" '5/.*9 tries left .*takes 10' 'nine are one less than were seen before'
by_hand reset-counter 'PIN of' 123456
is "$?" 0 'a person logs in'
printf 2 >"$plain/pin-left"
login 123456
like "$?/$(cat "$work/said")" '5/.*2 tries left .*takes 3' 'a machine that never saw it knows what such cards come with'
printf 0 >"$plain/pin-left"
by_reader 12345678 123456
is "$?/$(cat "$plain/pin-left")" 0/10 'a plain card takes its PUK'
hold
by_reader 12345678 123456
like "$?/$(cat "$work/said")" '6/.*another program uses the card' 'not while another program uses it'
unblock 12345678 123456
like "$?/$(cat "$work/said")" '6/.*another program uses the card' 'nor as a token: its SO PIN is not asked for instead'
let_go
by_reader 12345678 123456
is "$?" 0 'and then it is'

# A PUK is for the card that was there when it was asked for, and its tries are guarded whatever names the card.
rm -rf "$XDG_STATE_HOME"
printf 3 >"$plain/puk-left"
NEW=123456 PUK=11111111 "$signet" unblock "$reader" --module "$softhsm" --puk env:PUK --new-pin env:NEW --yes >"$work/said" 2>&1
is "$?/$(cat "$plain/puk-left")" 4/2 'a wrong PUK, by the reader'"'"'s name'
NEW=123456 PUK=12345678 "$signet" unblock --module "$opensc" --puk env:PUK --new-pin env:NEW --yes >"$work/said" 2>&1
is "$?/$(cat "$plain/puk-left")" 5/2 'unattended, it is not tried again by the token'"'"'s'
pull
mkfifo "$work/typed"
insert "$card"
{
  NEW=123456 "$signet" unblock "$reader" --module "$softhsm" --puk command:"cat $work/typed" --new-pin env:NEW --yes \
    >"$work/said" 2>&1
  echo $? >"$work/exit"
} &
job=$!
# This opens once the PUK is asked for: the card was looked at.
exec 8>"$work/typed"
pull
insert "$plain" 8>&-
echo 12345678 >&8
exec 8>&-
wait "$job"
like "$(cat "$work/exit")/$(cat "$work/said")" '^3/' 'a card that was exchanged meanwhile is another one'
is "$(cat "$plain/puk-left")" 2 'which gets no PUK'
pull
result "$(! grep -rqE '123456|654321' "$XDG_STATE_HOME"; echo $?)" 'no PIN stands in any state file'
done_testing
