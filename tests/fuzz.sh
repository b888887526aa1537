#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/fuzz.sh [MINUTES]    runs every fuzzer so long (default 1), two at a time. A finding stays in
# build-sanitize/ as crash-…; a new seed worth keeping goes to tests/fuzz/corpus/NAME.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

fuzz_one() { # PROGRAM: prints 'ok NAME' or 'FAILED NAME'
  local program=$1 name log scratch status=0
  name=$(basename "$program")
  name=${name#fuzz_}
  log=build-sanitize/fuzz-$name.log
  scratch=$(mktemp -d)
  "$program" -max_total_time="${FUZZ_SECONDS:?}" -rss_limit_mb=2048 -timeout=30 -print_final_stats=1 \
    -detect_leaks=0 -artifact_prefix="build-sanitize/crash-$name-" "$scratch" "tests/fuzz/corpus/$name" >"$log" 2>&1 || status=$?
  rm -rf "$scratch"
  if [[ $status == 0 ]]; then echo "ok $name"; else echo "FAILED $name"; fi
}

if [[ ${1:-} == --one ]]; then
  fuzz_one "$2"
  exit
fi

minutes=${1:-1}
[[ -f build-sanitize/build.ninja ]] ||
  CC=clang meson setup build-sanitize -Db_sanitize=address,undefined -Db_lundef=false -Dfuzz=true -Doptimization=1
meson compile -C build-sanitize
export FUZZ_SECONDS=$((minutes * 60))
results=$(find build-sanitize/tests/fuzz -maxdepth 1 -type f -name 'fuzz_*' -executable -print0 |
  xargs -0 -P 2 -n 1 tests/fuzz.sh --one)
echo "$results"
! grep -q '^FAILED' <<<"$results"
