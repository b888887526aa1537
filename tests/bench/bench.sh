#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The batch signer beside its references, in one run: whole processes, turn by turn, the best of each counts (these are ratios of
# a noisy machine). Fails below the limits; writes bench.json into the build folder.
# usage: bench.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"

files=400 rounds=10
bare=$build/tests/bench/bare_sign loop=$build/tests/bench/reference_loop
engine=$(find /usr/lib -path '*engines-3/pkcs11.so' -print -quit)
make_token test rsa:3072 EC:prime256v1
make_profile rsa "$softhsm" 01 'existing: replace'
make_profile ec "$softhsm" 02 'existing: replace'
make_programs "$files" 85000
export SIGNET_PIN=$test_pin BENCH_PIN=$test_pin
cd "$work" || exit

# shellcheck source=measure.sh
source "$tests/bench/measure.sh"

# shellcheck disable=SC2317
other_signer() { # ID COUNT: one osslsigncode process per file
  local i
  for ((i = 1; i <= $2; i++)); do
    osslsigncode sign -pkcs11engine "$engine" -pkcs11module "$softhsm" -certs "$1.pem" -h sha256 \
      -key "pkcs11:token=test;id=%$1;type=private" -pass "$test_pin" -in "files/$i.exe" -out "other-$i.exe" || return
    rm -f "other-$i.exe"
  done
}

measure() { # PROFILE ID KEY
  local i
  : >ours
  : >reference
  for ((i = 0; i < rounds; i++)); do
    seconds "$bare" "$softhsm" test "$3" "$files" >>reference
    seconds "$batch" sign "$1" files/*.exe >>ours
  done
  our_time=$(least <ours)
  bare_time=$(least <reference)
  other_time=$(seconds other_signer "$2" 20)
  measured_all "$1"
  other_ratio=$(awk -v a="$other_time" -v b="$our_time" -v n="$files" 'BEGIN {printf "%.2f\n", a / 20 * n / b}')
}

measure rsa 01 key1
rsa_bare=$(ratio "$bare_time" "$our_time") rsa_other=$other_ratio
at_least "$rsa_bare" 0.9 'RSA-3072: of a bare C_Sign loop'
at_least "$rsa_other" 3.5 'RSA-3072: times one osslsigncode process per file'
measure ec 02 key2
ec_other=$other_ratio
at_least "$ec_other" 10 'P-256: times one osslsigncode process per file'

# Beside a loop that reads, hashes, signs, writes, syncs and renames the same files, and knows nothing of what is in them.
beside_loop() { # PROFILE KEY SESSIONS
  local i
  : >ours
  : >reference
  for ((i = 0; i < rounds; i++)); do
    rm -rf loop && cp -r files loop
    seconds "$loop" "$softhsm" test "$2" "$3" loop/*.exe >>reference
    seconds "$batch" sign "$1" --sessions "$3" files/*.exe >>ours
  done
  measured_all "$1, whole files"
  ratio "$(least <reference)" "$(least <ours)" >loop_ratio
}
beside_loop rsa key1 2
rsa_loop=$(<loop_ratio)
at_least "$rsa_loop" 0.9 'RSA-3072, two sessions: of a loop that does no more than it must'
beside_loop ec key2 1
ec_loop=$(<loop_ratio)
at_least "$ec_loop" 0.75 'P-256: of a loop that does no more than it must'

# 1 GiB: memory, and time beside copying, hashing and writing out, and beside osslsigncode. The input is a hole; what is made of
# it is not.
# shellcheck disable=SC2317
sign_big() {
  rm -f signed/big.exe
  /usr/bin/time -a -o memory -f '%M' "$batch" sign rsa -o signed big.exe
}
# shellcheck disable=SC2317
copy_big() {
  rm -f copy.exe
  cp --reflink=never --sparse=never big.exe copy.exe && sha256sum copy.exe && sync copy.exe
}
# shellcheck disable=SC2317
other_big() { # to the disk, as ours is
  osslsigncode sign -pkcs11engine "$engine" -pkcs11module "$softhsm" -certs 01.pem -h sha256 \
    -key 'pkcs11:token=test;id=%01;type=private' -pass "$test_pin" -in big.exe -out other.exe && sync other.exe
}
cp hello.exe big.exe
truncate -s 1G big.exe
for ((i = 0; i < 3; i++)); do
  seconds sign_big >>big
  seconds copy_big >>copied
  rm -f copy.exe
done
seconds other_big >other_time
rm -f other.exe
/usr/bin/time -a -o memory -f '%M' "$batch" verify --ca ca.pem signed/big.exe >said 2>&1
result "$?" '1 GiB: verified'
measured_all '1 GiB'
memory=$(sort -n memory | tail -n 1) big_time=$(least <big)
big_ratio=$(ratio "$big_time" "$(least <copied)") big_other=$(ratio "$(<other_time)" "$big_time")
at_most "$memory" 32768 '1 GiB: KiB resident, to sign and to verify'
at_most "$big_ratio" 1.25 "1 GiB: $big_time s; times cp, sha256sum and sync"
at_least "$big_other" 1 '1 GiB: times as fast as osslsigncode'
printf '{"rsa-3072":{"of-bare-loop":%s,"times-osslsigncode":%s},"rsa-3072-two-sessions":{"of-loop":%s},"p-256":{"times-osslsigncode":%s,"of-loop":%s},"gib":{"resident-kib":%s,"times-copy":%s,"times-osslsigncode":%s}}\n' \
  "$rsa_bare" "$rsa_other" "$rsa_loop" "$ec_other" "$ec_loop" "$memory" "$big_ratio" "$big_other" >"$build/bench.json"
done_testing
