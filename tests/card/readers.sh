#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Readers and cards come and go; other programs hold a card; pcscd does not run.
# usage: readers.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"

make_token other
counters() { timeout 30 "$signet" counters --module "$softhsm" 2>&1; }
card=$work/card
make_card "$card"

said=$(counters)
is "$?" 0 'without pcscd, the tokens of modules are told'
like "$said" 'pcscd does not run here.*apt install pcscd.*systemctl start pcscd.socket' 'and why no card is, with the remedy'

start_pcscd
like "$(counters)" '@1 +other' 'with pcscd and no card'

# hold MODE: another program at the card, until let_go
hold() {
  mkfifo "$work/hold"
  : >"$work/held"
  "$build/tests/card/holder" "$reader" "$1" <"$work/hold" >"$work/held" &
  holder_pid=$!
  exec 9>"$work/hold"
  wait_for grep -q held "$work/held"
}
let_go() {
  exec 9>&-
  wait "$holder_pid"
  rm "$work/hold"
}

insert "$card"
hold shared
: >"$card/log"
said=$(counters)
is "$?" 0 'a card that another program uses'
like "$said" 'another program uses the card; nothing is asked of it' 'is left alone, and it is said'
is "$(commands "$card")" 0 'nothing was sent to it'
said=$(KEY=010203040506070801020304050607080102030405060708 "$build/tests/card/manage" generate "$reader" 9a P-256 env:KEY 2>&1)
is "$?/$(commands "$card")" 3/0 'no key is made there either'
like "$said" 'another program uses the card' 'and it is said'
let_go
like "$(counters)" 'PIN +3 tries left' 'after that it is read'

hold alone
: >"$card/log"
like "$(counters)" 'another program uses the card alone; end it' 'one that another program has for itself'
is "$(commands "$card")" 0 'nothing was sent to it'
let_go
like "$(counters)" 'PIN +3 tries left' 'after that it is read'
hold reset
let_go
like "$(counters)" 'PIN +3 tries left' 'and after the other has reset it'
pull

# The wait tells of each change once, soon, and does not spin.
"$build/tests/card/manage" watch 1000 >"$work/watched" &
watch_pid=$!
watch_began=$SECONDS
# Whether a look finds another program at the card is a matter of the moment.
looks() { sed 's/-in-use//; s/-alone//' "$work/watched" | uniq; }
answer() { looks | sed -n "$1p"; }
# shellcheck disable=SC2317  # called by wait_for
lines() { (($(looks | wc -l) >= $1)); }
began=$(date +%s%N)
wait_for lines 1
result "$((($(date +%s%N) - began) / 1000000 > 4000))" 'the first answer does not wait for a change'
is "$(answer 1)" 'empty empty' 'it tells what is there'
# Another program sees it already.
insert "$card"
began=$(date +%s%N)
wait_for lines 2
result "$((($(date +%s%N) - began) / 1000000 > 3000))" 'a card that comes is seen'
is "$(answer 2)" 'card empty' 'once'
pull
wait_for lines 3
is "$(answer 3)" 'empty empty' 'one that goes is seen'
insert "$card"
wait_for lines 4
hold shared
let_go
sleep 6
is "$(looks | sed -n '4,$p')" 'card empty' 'a program that comes and goes is no other card'
# The wait ends after five seconds, too.
most=$((10 + (SECONDS - watch_began) / 5))
result "$(($(wc -l <"$work/watched") > most))" "and the wait does not spin: $(wc -l <"$work/watched") answers, at most $most"
stop "$watch_pid"
like "$(counters)" 'PIN +3 tries left' 'a card that pcscd has switched off meanwhile is read'
pull

# pcscd goes away, and comes again.
insert "$card"
stop_pcscd
like "$(counters)" 'pcscd does not run here' 'pcscd is gone'
stop "$card_pid"
start_pcscd
insert "$card"
like "$(counters)" 'PIN +3 tries left' 'and back'
is "$(verifies "$card")/$(seen_verifies)" 0/0 'no PIN was sent all the while'
pull

done_testing
