#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two tokens of opencryptoki that tell the same of themselves: the one that was named is meant, never the other.
# usage: twins.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "${1:?usage: twins.sh BUILD_FOLDER}"
# shellcheck source=../lib/opencryptoki.sh
source "$tests/lib/opencryptoki.sh"
oc_twin=twin start_slotd || exit 1
export MAKER=87654321 SO=$oc_so_pin PIN=$oc_pin

run() {
  said=$("$signet" "$@" --module "$opencryptoki" 2>&1 </dev/null)
  status=$?
}
# labels: of the tokens that are initialised, behind their slots
labels() { pkcs11-tool --module "$opencryptoki" -L 2>/dev/null | awk '/^Slot/ { slot = $2 } /token label/ { printf "%s:%s ", slot, $4 }'; }

run init new --label oc --so-pin env:MAKER --new-so-pin env:SO --new-pin env:PIN
like "$status/$said" 'new:[0-9]+.*new:[0-9]+' 'of two that are new, one must be named'
run init new:1 --label oc --so-pin env:MAKER --new-so-pin env:SO --new-pin env:PIN
is "$status/$(labels)" '0/1:oc ' 'and that one alone is initialised'
run init new:0 --label oc --so-pin env:MAKER --new-so-pin env:SO --new-pin env:PIN
is "$status/$(labels)" '0/0:oc 1:oc ' 'the other may get the same label'
# keys SLOT: how many private keys are in it
keys() { pkcs11-tool --module "$opencryptoki" --slot "$1" --login --pin "$oc_pin" -O --type privkey 2>/dev/null | grep -c '^Private Key Object'; }
run keygen oc --type rsa:3072 --label release --pin env:PIN
is "$status/$(keys 0)/$(keys 1)" 2/0/0 'where both have it, it names neither'
run keygen @2 --type rsa:3072 --label release --pin env:PIN
is "$status/$(keys 0)/$(keys 1)" 0/0/1 'its number does'
done_testing
