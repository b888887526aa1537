#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Large packages: memory, time beside copying and hashing, and beside osslsigncode. Fails below the limits; writes
# bench-msi.json into the build folder. The 3 GiB package is a sparse file; what is made of it is not: 7 GiB of disk.
# usage: msi.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"

rounds=3
engine=$(find /usr/lib -path '*engines-3/pkcs11.so' -print -quit)
make_token test rsa:3072
make_profile plain "$softhsm" 01 'existing: replace'
make_profile ex "$softhsm" 01 'existing: replace' 'msi-signature-ex: true'
export SIGNET_PIN=$test_pin
cd "$work" || exit

# shellcheck source=measure.sh
source "$tests/bench/measure.sh"

# shellcheck disable=SC2317
copy_and_hash() {
  rm -f copy.msi
  cp --reflink=never --sparse=never big.msi copy.msi && sha256sum copy.msi && sync copy.msi
}
# shellcheck disable=SC2317
sign_big() {
  rm -f signed/big.msi
  /usr/bin/time -a -o memory -f '%M' "$batch" sign ex -o signed big.msi
}
"$tests/bench/sparse_msi.py" big.msi 4 $((5 << 29)) $((1 << 29))
is "$?" 0 'a package of 3 GiB, with a stream of 2.5 GiB'
for ((i = 0; i < rounds; i++)); do
  seconds copy_and_hash >>reference
  rm -f copy.msi
  seconds sign_big >>ours
done
memory=$(sort -n memory | tail -n 1)
big_ratio=$(ratio "$(least <ours)" "$(least <reference)")
at_most "$memory" 32768 '3 GiB: KiB resident'
at_most "$big_ratio" 1.25 '3 GiB: times cp, sha256sum and sync'
/usr/bin/time -o memory -f '%M' "$batch" verify --ca ca.pem signed/big.msi >said 2>&1
is "$?" 0 '3 GiB: verified'
at_most "$(cat memory)" 32768 '3 GiB, verified: KiB resident'
is "$(od -An -tx4 -j40 -N4 signed/big.msi | tr -d ' ')" 00000001 '3 GiB: the count of directory sectors is right'
like "$(gsf list signed/big.msi)" '2684354560 stream000' '3 GiB: libgsf sees its stream of 2.5 GiB'
rm -f big.msi signed/big.msi

# shellcheck disable=SC2317
other_signer() {
  rm -f other.msi
  osslsigncode sign -pkcs11engine "$engine" -pkcs11module "$softhsm" -certs 01.pem -h sha256 \
    -key 'pkcs11:token=test;id=%01;type=private' -pass "$test_pin" -add-msi-dse -in middle.msi -out other.msi
}
# shellcheck disable=SC2317
sign_middle() {
  rm -f signed/middle.msi
  "$batch" sign ex -o signed middle.msi
}
"$tests/bench/sparse_msi.py" middle.msi 4 $((150 << 20)) $((50 << 20))
for ((i = 0; i < rounds; i++)); do
  seconds other_signer >>theirs
  seconds sign_middle >>our_middle
done
middle_ratio=$(ratio "$(least <theirs)" "$(least <our_middle)")
at_least "$middle_ratio" 1 '200 MiB: times as fast as osslsigncode'
like "$(osslsigncode verify -CAfile ca.pem -in signed/middle.msi 2>&1)" 'Signature verification: ok' '200 MiB: which accepts what we made'
measured_all 'both'
printf '{"msi-3-gib":{"resident-kib":%s,"times-copy":%s},"msi-200-mib":{"times-osslsigncode":%s}}\n' \
  "$memory" "$big_ratio" "$middle_ratio" >"$build/bench-msi.json"
done_testing
