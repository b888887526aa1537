#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds Signet with gcc and clang, without warnings, and runs every test; the closing line counts them. A suite that
# cannot run fails. FUZZ_SECONDS (default 60) is how long each fuzzer runs.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
# shellcheck source=lib/packages.sh
source tests/lib/packages.sh

passed=0 failed=0
report=$PWD/build/check.log

note() { # STATUS NAME: one line for one step
  if [[ $1 == 0 ]]; then
    passed=$((passed + 1))
    echo "ok      $2"
  else
    failed=$((failed + 1))
    echo "FAILED  $2"
  fi
}

step() { # NAME COMMAND…: one test that is a command
  local name=$1 status=0
  shift
  "$@" >"$report" 2>&1 || status=$?
  [[ $status == 0 ]] || tail -n 40 "$report"
  note "$status" "$name"
  return "$status"
}

configure() { # FOLDER COMPILER OPTION…
  local folder=$1 compiler=$2
  shift 2
  [[ -f $folder/build.ninja ]] || CC=$compiler meson setup "$folder" "$@" || return
  meson compile -C "$folder"
}

suites() { # FOLDER ARGUMENT…: runs meson tests, counts each; what a failed one said stands below its line
  local folder=$1 line result name
  shift
  # More than there are cores: most of the time a test waits for a card, a deadline or a prompt.
  meson test -C "$folder" --no-rebuild --num-processes 4 "$@" >"$report" 2>&1
  while IFS= read -r line; do
    result=${line%%$'\t'*} name=${line#*$'\t'}
    case $result in
      OK) note 0 "$name ($(basename "$folder"))" ;;
      '') echo "        $name" ;;
      *) note 1 "$name ($(basename "$folder")): $result" ;;
    esac
  done < <(tests/lib/results.py "$folder/meson-logs/testlog.json" || echo "MISSING	the tests of $folder")
}

mkdir -p build
step 'packages' packages_install "${packages_build[@]}" "${packages_practice[@]}" "${packages_test[@]}" \
  "${packages_tpm[@]}" || exit 1
step 'unpacked packages' packages_unpack build/unpacked "${packages_unpacked[@]}" || exit 1

step 'gcc, no warnings' configure build gcc -Dwerror=true || exit 1
step 'clang, no warnings' configure build-clang clang -Dwerror=true
step 'sanitizers' configure build-sanitize clang -Db_sanitize=address,undefined -Db_lundef=false \
  -Dfuzz=true -Doptimization=1

# The fuzzers take what the tests leave of the machine: those mostly wait.
fuzzers() {
  for fuzzer in build-sanitize/tests/fuzz/fuzz_*; do
    [[ -x $fuzzer && -f $fuzzer ]] && echo "$fuzzer"
  done | FUZZ_SECONDS=${FUZZ_SECONDS:-60} xargs -P 3 -n 1 nice -n 19 tests/fuzz.sh --one
}
set -m
fuzzers >build/fuzz.log 2>&1 &
fuzzing=$!
set +m
trap 'kill -- "-$fuzzing" 2>/dev/null' EXIT

suites build
suites build-sanitize --suite unit --suite screen
step 'quickstart' tests/quickstart.sh
step 'quickstart, once more' tests/quickstart.sh
wait "$fuzzing"
while read -r result name; do
  [[ $result == ok ]] || tail -n 40 "build-sanitize/fuzz-$name.log"
  note "$([[ $result == ok ]]; echo $?)" "fuzz $name"
done < <(grep -E '^(ok|FAILED) ' build/fuzz.log)
sources=(tests/fuzz/fuzz_*.c)
note "$([[ $(grep -cE '^(ok|FAILED) ' build/fuzz.log) == "${#sources[@]}" ]]; echo $?)" "all ${#sources[@]} fuzzers ran"

echo "judged by: $(osslsigncode --version 2>/dev/null | head -n 1 | cut -d , -f 1), $(sbverify --version 2>&1 | head -n 1)"
echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
