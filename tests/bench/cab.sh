#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A cabinet of 200 MiB beside its references, turn by turn, the best of each counts; memory at 1.5 GiB. Writes
# bench-cab.json into the build folder.
# usage: cab.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"

rounds=5
engine=$(find /usr/lib -path '*engines-3/pkcs11.so' -print -quit)
make_token test rsa:3072
make_profile rsa "$softhsm" 01 'existing: replace'
export SIGNET_PIN=$test_pin
cd "$work" || exit
head -c $((200 << 20)) /dev/urandom >data.bin
gcab -c large.cab data.bin
rm data.bin

seconds() { # COMMAND…: wall-clock seconds of one run
  local start=$EPOCHREALTIME
  "$@" >/dev/null 2>&1 || echo "$1" >>failed
  awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.4f\n", b - a}'
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f\n", a / b}'; }
least() { sort -n | head -n 1; }

# shellcheck disable=SC2317
other_signer() { # to the disk, as ours is
  rm -f other.cab
  osslsigncode sign -pkcs11engine "$engine" -pkcs11module "$softhsm" -certs 01.pem -h sha256 \
    -key 'pkcs11:token=test;id=%01;type=private' -pass "$test_pin" -in large.cab -out other.cab && sync other.cab
}

# shellcheck disable=SC2317
copy() {
  rm -f copy.cab
  cp --reflink=never large.cab copy.cab && sha256sum copy.cab && sync copy.cab
}

: >failed
for ((i = 0; i < rounds; i++)); do
  rm -f out/large.cab
  seconds "$batch" sign rsa -o out large.cab >>ours
  seconds other_signer >>theirs
  seconds copy >>copied
done
result "$([[ ! -s failed ]]; echo $?)" '200 MiB: every run did what it should'
ours=$(least <ours) other_ratio=$(ratio "$(least <theirs)" "$(least <ours)") copy_ratio=$(ratio "$(least <ours)" "$(least <copied)")
result "$(awk -v a="$other_ratio" 'BEGIN {exit !(a >= 1)}'; echo $?)" "200 MiB: $other_ratio times as fast as osslsigncode"
result "$(awk -v a="$copy_ratio" 'BEGIN {exit !(a <= 1.25)}'; echo $?)" \
  "200 MiB: $copy_ratio times cp, sha256sum and fsync ($ours s), at most 1.25"

# Many folders and blocks, all of it a hole: what is kept of them must not grow.
"$tests/interop/cabinets.py" huge huge.cab
/usr/bin/time -f '%M %e' -o used "$batch" sign rsa huge.cab >said 2>&1
result "$?" '1.5 GiB in 24,000 folders: signed'
read -r memory huge_time <used
result "$([[ $memory -le 32768 ]]; echo $?)" "1.5 GiB: $memory KiB resident, at most 32768 ($huge_time s)"
/usr/bin/time -f '%M' -o used "$batch" verify --ca ca.pem huge.cab >said 2>&1
result "$?" '1.5 GiB: verified'
result "$([[ $(<used) -le 32768 ]]; echo $?)" "1.5 GiB, verified: $(<used) KiB resident, at most 32768"
printf '{"cab-200-mib":{"times-osslsigncode":%s,"times-copy":%s},"cab-1536-mib":{"resident-kib":%s}}\n' \
  "$other_ratio" "$copy_ratio" "$memory" >"$build/bench-cab.json"
done_testing
