#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# signet readers: what is there, and what comes and goes; nothing is said to a card.
# usage: watch.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"

said=$("$signet" readers 2>&1)
is "$?" 3 'without pcscd'
like "$said" 'pcscd does not run here' 'it is said'

"$signet" readers --watch --json >"$work/watch" 2>/dev/null &
watch=$!
# shellcheck disable=SC2317 # wait_for calls it
told() { jq -e "$1" <<<"$(tail -n 1 "$work/watch")" >/dev/null 2>&1; }
result "$(wait_for told '.readers == [] and (.pcsc | test("pcscd does not run"))'; echo $?)" 'a watch begins without pcscd'
start_pcscd
result "$(wait_for told '[.readers[].state] == ["empty", "empty"]'; echo $?)" 'and sees its readers once it is started'

card=$work/card
make_card "$card" 5.4.3
insert "$card"
result "$(wait_for told '.readers[0].state == "card" and .readers[0].atr != null'; echo $?)" 'a card that is put in'
like "$("$signet" readers)" $'Virtual PCD 00 00\n +card +here\n +ATR +3b' 'the list has it, too'
is "$(grep -c APDU: "$work/pcscd.log")" 0 'nothing was said to it'
is "$("$signet" readers --json | jq -c '[.readers[] | [.reader, .card]]')" \
  '[["Virtual PCD 00 00",true],["Virtual PCD 00 01",false]]' 'the same in JSON'
pull
result "$(wait_for told '.readers[0].state == "empty"'; echo $?)" 'one that is pulled out'
stop_pcscd
result "$(wait_for told '.readers == []'; echo $?)" 'pcscd is stopped'
start_pcscd
result "$(wait_for told '(.readers | length) == 2'; echo $?)" 'and started again'
insert "$card"
result "$(wait_for told '.readers[0].card'; echo $?)" 'a card is seen there'

said=$("$signet" counters --reader "$reader")
like "$said" 'PIN +3 of 3 tries left' 'the card in one reader'
said=$("$signet" counters --reader 'Virtual PCD 00 01')
like "$said" 'no card is in the reader' 'an empty one'
said=$("$signet" counters --reader nowhere 2>&1)
is "$?" 3 'a reader that is not there'
like "$said" "no reader 'nowhere' is here; signet readers lists them" 'and what lists them'

kill -INT "$watch"
wait "$watch"
is "$?" 130 'the watch ends when it is told to'
pull
done_testing
