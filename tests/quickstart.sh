#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From nothing to a signed and verified Windows program, on a practice token. Everything it makes stands in
# build/practice; run it as often as you like. A PIN in here is a practice PIN, on a token of software.
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD
log=$top/build/quickstart.log

# shellcheck source=lib/packages.sh
source tests/lib/packages.sh
# shellcheck source=lib/practice.sh
source tests/lib/practice.sh

ended() {
  local status=$?
  [[ $status == 0 ]] || {
    echo "quickstart stopped (exit $status); the last lines of $log:"
    tail -n 15 "$log"
  } >&2
}
trap ended EXIT

step() { printf '  %-9s %s\n' "$1" "$2"; }

packages_install "${packages_build[@]}" "${packages_practice[@]}"
mkdir -p build

echo 'Signet: a first signature'
[[ -f build/build.ninja ]] || meson setup build >"$log" 2>&1
meson compile -C build >"$log" 2>&1
step build 'build/tui/signet, build/profiles/signet-batch'

practice_open "$top/build/practice"
if practice_token_missing; then
  practice_make >>"$log" 2>&1
  step token "made a practice token with an RSA-3072 key and a code-signing certificate"
else
  step token "the practice token of the last time"
fi

if [[ ! -f $XDG_CONFIG_HOME/signet/profiles/practice.yaml ]]; then
  build/tui/signet profile new practice --token practice --chain "$PRACTICE/ca.pem" \
    --pin env:SIGNET_PIN --description 'Signet practice' >>"$log" 2>&1
fi
step profile "$XDG_CONFIG_HOME/signet/profiles/practice.yaml"

practice_program "$PRACTICE/hello.exe" >>"$log" 2>&1
build/profiles/signet-batch sign practice --existing replace -o "$PRACTICE/signed" "$PRACTICE/hello.exe" >>"$log" 2>&1
step sign "build/practice/signed/hello.exe"

build/profiles/signet-batch verify --profile practice --ca "$PRACTICE/ca.pem" "$PRACTICE/signed/hello.exe" >>"$log" 2>&1
step verify 'good: its digest, its signature, its chain to the practice CA'

cat <<'NEXT'

What to type next:
  source build/practice/environment          the practice token and its PIN, in this shell
  signet                                     the console: everything from here on, with one key each
  signet tokens                              what is plugged in here
  signet objects practice                    the key and its certificate
  signet-batch sign practice FILE.exe        sign a program of yours, in place
  signet profile signtool practice           the same for signtool, jsign and osslsigncode
NEXT
