#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A card that is pulled out at any command, or answers nonsense: each reading ends soon, with a message and the right status.
# usage: faults.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"

start_pcscd
card=$work/card
make_card "$card" 5.4.3
make_card_key "$card" 9a rsa:2048
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$card/f9.key" 2>/dev/null
insert "$card"

# No module is asked: what is counted are the commands of Signet's own driver.
counters() { timeout 30 "$signet" counters --module "$softhsm" "$@"; }
make_token other
export SOFTHSM2_CONF

: >"$card/log"
said=$(counters 2>&1)
is "$?" 0 'the card is read'
total=$(commands "$card")
result "$((total < 8))" "by $total commands"

wrong='' slow=0
for ((n = 1; n <= total; n++)); do
  echo "pull $n" >"$card/fault"
  began=$SECONDS
  said=$(counters 2>&1)
  status=$?
  [[ $status == 0 && $said == *"$reader"*taken*out* ]] || wrong+="at $n: $status $said; "
  ((SECONDS - began <= 5)) || slow=$((slow + 1))
  gone
  insert "$card"
done
is "$wrong" '' 'pulled out at each of them: it is said of the reader'
is "$slow" 0 'within five seconds'

manage=$build/tests/card/manage
: >"$card/log"
"$manage" attest "$reader" 9a >"$work/attestation.der"
is "$?" 0 'a key is attested'
like "$(openssl x509 -inform DER -in "$work/attestation.der" -noout -subject 2>&1)" 'Attestation 9a' 'by the card'
wrong='' total_attest=$(commands "$card")
for ((n = 1; n <= total_attest; n++)); do
  echo "pull $n" >"$card/fault"
  said=$(timeout 30 "$manage" attest "$reader" 9a 2>&1 >"$work/attestation.der")
  status=$?
  [[ $status == 3 && $said == *'taken out'* ]] || wrong+="at $n: $status $said; "
  gone
  insert "$card"
done
is "$wrong" '' "pulled out at each of $total_attest commands of it: exit 3, and said"

rm -f "$card/fault"
before=$(state "$card")
for kind in short long garbage; do
  wrong=''
  for ((n = 1; n <= total; n++)); do
    echo "$kind $n" >"$card/fault"
    said=$(counters --json 2>&1)
    status=$?
    # A figure is right, or it is not there.
    figures=$(jq -c '[.cards[].counters[].left]' <<<"$said" 2>/dev/null)
    [[ $status == 0 && $figures =~ ^\[((3|null)(,(3|null))*)?\]$ ]] || wrong+="at $n: $status $figures; "
    rm -f "$card/fault"
  done
  is "$wrong" '' "$kind answers at each of them: no crash, and no wrong figure"
  is "$(state "$card")" "$before" 'and the card is as it was'
done
is "$(verifies "$card")" 0 'no PIN was sent'

# A slow card is waited for; one that never ends is not.
echo 100 >"$card/slow"
said=$(counters 2>&1)
is "$?" 0 'a slow card is waited for'
like "$said" 'PIN +3 of 3' 'and read'
echo 30000 >"$card/slow"
began=$SECONDS
said=$(counters 2>&1)
status=$?
result "$((SECONDS - began > 28))" "one that never answers is not: $((SECONDS - began)) s, exit $status"
like "$said" '(did not answer|no answer|hung|deadline|killed)' 'and it is said'
stop "$card_pid"
card_pid=''

done_testing
