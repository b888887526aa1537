#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The console in a terminal of libvterm's, led by the scripts beside this file (script.h tells their words). Each runs on a
# token of its own. --refresh writes the golden screens anew; look at their diff before you commit it.
# usage: screen.sh BUILD_FOLDER [--refresh] [SCRIPT…]
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../lib/fixture.sh
source "$here/../lib/fixture.sh" "$1"
shift
refresh=()
if [[ ${1:-} == --refresh ]]; then
  refresh=(--refresh)
  shift
fi
[[ $# != 0 ]] || set -- "$here"/*.screen

export WORK=$work SHIM=$build/tests/lib/shim.so SIGNET=$signet SIGNET_BATCH=$batch SOFTHSM=$softhsm
export LIB=$tests/lib SHIM_LOG=$work/shim.log SIGNET_PIN=$test_pin TEST_PIN=$test_pin
unset NO_COLOR TMUX DISPLAY WAYLAND_DISPLAY
serial=0x5a17
make_token test rsa:3072
make_programs 3 1000
cp -R "$work/tokens" "$work/fresh"
cd "$work" || exit

# Every script finds the token, the files and the folders as they were.
for script in "$@"; do
  rm -rf "$work/tokens" "$work/config" "$work/state" "$work/copy"
  cp -R "$work/fresh" "$work/tokens"
  cp -R "$work/files" "$work/copy"
  : >"$SHIM_LOG"
  said=$("$build/tests/screen/terminal" "${refresh[@]}" "$script" 2>&1)
  grep -v '^1\.\.\|^ok\|^not ok' <<<"$said"
  result "$(grep -q '^ok' <<<"$said"; echo $?)" "$(basename "$script")"
done
done_testing
