#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Random keys at the console, in a folder of its own: no crash, and no try of a PIN that was not typed.
# usage: monkey.sh BUILD_FOLDER [KEYS] [SEED]
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
keys=${2:-20000} seed=${3:-$RANDOM}
export SHIM_LOG=$work/shim.log TERM=screen-256color LANG=C.UTF-8
make_token test rsa:2048
make_profile one "$build/tests/lib/shim.so" 01
make_programs 2 1000
: >"$SHIM_LOG"
mkdir "$work/here" && cd "$work/here" || exit
said=$("$build/tests/screen/monkey" "$keys" "$seed" "$signet" --module "$build/tests/lib/shim.so" 2>&1)
status=$?
echo "$said"
result "$status" "$keys random keys, seed $seed"
done_testing
