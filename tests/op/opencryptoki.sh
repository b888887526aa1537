#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Counters, guard and unblocking on a token whose flags tell the truth: what is low, final and locked is really so.
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "${1:?usage: opencryptoki.sh BUILD_FOLDER}"
# shellcheck source=../lib/opencryptoki.sh
source "$tests/lib/opencryptoki.sh"
start_slotd || exit 1
make_oc_token oc || exit 1
log=$XDG_STATE_HOME/signet/audit.log

# user_state: what `counters` says of the user PIN
user_state() {
  "$signet" counters oc --module "$opencryptoki" --json |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["tokens"][0]["counters"][0]["state"])'
}
# login PIN: unattended, on a machine that remembers nothing
login() {
  rm -rf "$XDG_STATE_HOME"
  PIN=$1 "$signet" objects oc --login --module "$opencryptoki" --pin env:PIN >"$work/said" 2>&1
}
# unblock SO_PIN: unattended
unblock() {
  SO=$1 NEW=$oc_pin "$signet" unblock oc --module "$opencryptoki" --so-pin env:SO --new-pin env:NEW --yes \
    >"$work/said" 2>&1
}

is "$(user_state)" 'no try is known to be lost' 'a fresh token'
login 99999999
is "$?" 4 'a wrong PIN is refused'
like "$(cat "$work/said")" 'at least one try is lost' 'and the message tells what the token tells now'
login "$oc_pin"
is "$?" 5 'another machine does not try, even with the right PIN'
is "$(user_state)" 'at least one try is lost' 'and spends nothing'
is "$(grep -c '"outcome":"forbidden"' "$log")" 1 'but notes it'

spend_try
is "$(user_state)" 'one try left' 'the last but one'
"$tests/lib/typed.py" 'PIN of' "$oc_pin" 'LAST TRY' no -- "$signet" reset-counter oc --module "$opencryptoki" >"$work/said"
is "$?/$(user_state)" '5/one try left' 'the last try is not made where the label was not typed'
"$tests/lib/typed.py" 'PIN of' "$oc_pin" 'LAST TRY' oc -- "$signet" reset-counter oc --module "$opencryptoki" >"$work/said"
is "$?/$(user_state)" '0/no try is known to be lost' 'with the label it is, and the counter goes back'
like "$(cat "$work/said")" 'PIN before: one try left.*now: no try' 'both are told'

for cycle in {1..10}; do
  spend_try
  low=$(user_state)
  spend_try
  final=$(user_state)
  spend_try
  is "$low/$final/$(user_state)" 'at least one try is lost/one try left/locked' "locked, $cycle"
  unblock "$oc_so_pin"
  is "$?/$(user_state)" '0/no try is known to be lost' "unblocked, $cycle"
done

for _ in 1 2 3; do spend_try; done
login "$oc_pin"
like "$?/$(cat "$work/said")" '5/.*locked; .*signet unblock' 'a locked token is told with the way out'
unblock 00000000
is "$?" 4 'a wrong SO PIN is refused'
unblock "$oc_so_pin"
like "$?/$(cat "$work/said")" '5/.*SO PIN' 'and, unattended, is not tried again'
"$tests/lib/typed.py" 'SO PIN of' "$oc_so_pin" 'New PIN' "$oc_pin" 'Once more' "$oc_pin" -- \
  "$signet" unblock oc --module "$opencryptoki" >"$work/said"
is "$?/$(user_state)" '0/no try is known to be lost' 'a person goes on'
login "$oc_pin"
is "$?" 0 'and builds may'
unblock 1
like "$?/$(cat "$work/said")" '2/.*4 to 8 characters' 'a PIN that cannot be right is not tried'
"$tests/lib/typed.py" 'SO PIN of' "$oc_so_pin" 'New PIN' 1111111 'Once more' 1111112 -- \
  "$signet" unblock oc --module "$opencryptoki" --yes >"$work/said"
like "$?/$(cat "$work/said")" '2/.*differ' 'two new PINs that differ change nothing'
unblock_headless() { SO=$oc_so_pin NEW=$oc_pin "$signet" unblock oc --module "$opencryptoki" --so-pin env:SO --new-pin env:NEW; }
like "$(unblock_headless 2>&1 </dev/null)" 'nothing was changed' 'a PIN that is not blocked is changed only when asked for'
result "$(! grep -rqE "$oc_pin|$oc_so_pin" "$XDG_STATE_HOME"; echo $?)" 'no PIN stands in any state file'
done_testing
