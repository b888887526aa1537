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

# shellcheck source=measure.sh
source "$tests/bench/measure.sh"

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

for ((i = 0; i < rounds; i++)); do
  rm -f out/large.cab
  seconds "$batch" sign rsa -o out large.cab >>ours
  seconds other_signer >>theirs
  seconds copy >>copied
done
measured_all '200 MiB'
ours=$(least <ours) other_ratio=$(ratio "$(least <theirs)" "$(least <ours)") copy_ratio=$(ratio "$(least <ours)" "$(least <copied)")
at_least "$other_ratio" 1 '200 MiB: times as fast as osslsigncode'
at_most "$copy_ratio" 1.25 "200 MiB: $ours s; times cp, sha256sum and fsync"

# Many folders and blocks, all of it a hole: what is kept of them must not grow.
"$tests/interop/cabinets.py" huge huge.cab
/usr/bin/time -f '%M %e' -o used "$batch" sign rsa huge.cab >said 2>&1
result "$?" '1.5 GiB in 24,000 folders: signed'
read -r memory huge_time <used
at_most "$memory" 32768 "1.5 GiB, $huge_time s: KiB resident"
/usr/bin/time -f '%M' -o used "$batch" verify --ca ca.pem huge.cab >said 2>&1
result "$?" '1.5 GiB: verified'
at_most "$(<used)" 32768 '1.5 GiB, verified: KiB resident'
printf '{"cab-200-mib":{"times-osslsigncode":%s,"times-copy":%s},"cab-1536-mib":{"resident-kib":%s}}\n' \
  "$other_ratio" "$copy_ratio" "$memory" >"$build/bench-cab.json"
done_testing
