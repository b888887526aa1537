#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Cabinets that Signet signs, judged by programs that are not ours: osslsigncode, cabextract, gcab, openssl, and where these
# stop, cabinets.py.
# usage: cab.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"

make_token test rsa:3072 EC:prime256v1 EC:secp384r1
export SIGNET_PIN=$test_pin
cd "$work" || exit
cabinets=$tests/interop/cabinets.py
mkdir -p in files/below
head -c 300001 /dev/urandom >files/random.bin
seq 40000 >files/text.txt
: >files/below/empty
gcab -c in/stored.cab files/random.bin files/text.txt files/below/empty
gcab -c -z in/zipped.cab files/random.bin files/text.txt files/below/empty
gcab -c -z -n in/one.cab files/text.txt
"$cabinets" make in/folders.cab - 0 0
programs=$(find in -type f | wc -l)
is "$programs" 4 'all cabinets are made'

verdict() { osslsigncode verify -CAfile ca.pem -in "$1" 2>&1; }
# The names in a cabinet and the checksum of each, as unpacked.
contents() { cabextract -t "$1" 2>/dev/null | grep -E ' OK |failed' | sort; }
# The digest in a signature: the last OCTET STRING before the certificates.
signed_digest() {
  "$cabinets" signature "$1" sig.der && openssl asn1parse -inform DER -in sig.der 2>/dev/null |
    awk '/:d=3 .*cons: *cont \[ 0 \]/ {if (seen) exit} /OCTET STRING/ {d=$0; sub(/.*:/, "", d)} {seen=1} END {print tolower(d)}'
}
digest_right() { # FILE: SHA-256 only
  local wanted
  wanted=$("$cabinets" digest "$1") && [[ -n $wanted && $(signed_digest "$1") == "$wanted" ]]
}

for id in 01 02 03; do
  for hash in sha256 sha384 sha512; do
    make_profile "p$id$hash" "$softhsm" "$id" "digest: $hash" 'description: "Größe ÄÖÜ"' 'url: https://example.com/a?b=c'
    # Each key, each hash; they have nothing to do with one another.
    case $id$hash in 01* | 02sha384 | 03sha512) ;; *) continue ;; esac
    "$batch" sign "p$id$hash" -o "out-$id-$hash" in/* >said 2>&1
    is "$?" 0 "key $id, $hash: all are signed"
    accepted=0
    for file in "out-$id-$hash"/*; do
      verdict "$file" | grep -q 'Signature verification: ok' && accepted=$((accepted + 1))
    done
    is "$accepted" "$programs" "key $id, $hash: osslsigncode accepts all"
    "$batch" verify --ca ca.pem "out-$id-$hash"/* >said 2>&1
    is "$?" 0 "key $id, $hash: and so do we"
  done
done
like "$(verdict out-01-sha256/stored.cab)" 'Größe ÄÖÜ' 'the description arrives'

for file in in/*; do
  name=$(basename "$file" .cab)
  is "$(contents "out-01-sha256/$name.cab")" "$(contents "$file")" "$name: cabextract unpacks the same as before"
  like "$(contents "$file")" ' OK ' "$name: which is something"
  is "$(gcab -t "out-01-sha256/$name.cab" 2>&1)" "$(gcab -t "$file" 2>&1)" "$name: gcab lists the same"
  digest_right "out-01-sha256/$name.cab"
  is "$?" 0 "$name: the digest is what it should be"
  osslsigncode remove-signature -in "out-01-sha256/$name.cab" -out "$name.bare" >/dev/null 2>&1
  result "$(cmp -s "$name.bare" "$file"; echo $?)" "$name: osslsigncode gives the original back"
done
mkdir unpacked
gcab -x -C unpacked out-01-sha256/zipped.cab >/dev/null 2>&1
result "$(diff -r files unpacked/files >/dev/null; echo $?)" 'gcab unpacks what was packed'
"$batch" sign p01sha256 -o again in/zipped.cab >/dev/null 2>&1
result "$(cmp -s again/zipped.cab out-01-sha256/zipped.cab; echo $?)" 'RSA: signed twice, bit for bit the same'
osslsigncode extract-signature -in out-01-sha256/stored.cab -out sig.pem -pem >/dev/null 2>&1
osslsigncode attach-signature -sigin sig.pem -in in/stored.cab -out attached.cab -CAfile ca.pem >/dev/null 2>&1
result "$(cmp -s attached.cab out-01-sha256/stored.cab; echo $?)" 'osslsigncode puts our signature where we do'

# Reserves of any size. osslsigncode takes those of 20 bytes for the header alone.
mkdir reserves
"$cabinets" make reserves/sizes.cab 0 0 0
"$cabinets" make reserves/four.cab 4 0 0
"$cabinets" make reserves/eight.cab 8 8 8
"$cabinets" make reserves/folder.cab 0 255 0
"$cabinets" make reserves/twenty.cab 20 0 0
"$cabinets" make reserves/place.cab 20 0 0 '\0\0\x10'
"$cabinets" make reserves/office.cab 128 0 0
"$cabinets" make reserves/makecab.cab 6144 0 0
"$cabinets" make reserves/most.cab 60000 255 255
"$cabinets" make reserves/own.cab 100 1 2 '\x05\0\0\0hello'
"$batch" sign p01sha256 -o reserved reserves/* >said 2>&1
is "$?" 0 'reserves: all are signed'
"$batch" verify --ca ca.pem reserved/* >said 2>&1
is "$?" 0 'reserves: and good'
for file in reserves/*; do
  name=$(basename "$file" .cab)
  is "$(contents "reserved/$name.cab")" "$(contents "$file")" "reserves, $name: cabextract unpacks the same as before"
  digest_right "reserved/$name.cab"
  is "$?" 0 "reserves, $name: the digest is what it should be"
done
for name in sizes four twenty place; do
  like "$(verdict reserved/$name.cab)" 'Signature verification: ok' "reserves, $name: osslsigncode accepts it"
done
"$cabinets" make foreign.cab 64 0 0 'Something of somebody'
cp foreign.cab foreign.was
"$batch" sign p01sha256 foreign.cab >said 2>&1
is "$?" 1 'a reserve that holds something else is refused'
like "$(cat said)" 'holds data of another program' 'and why'
result "$(cmp -s foreign.cab foreign.was; echo $?)" 'and the file not touched'

# A set: one file through three cabinets.
mkdir set
"$cabinets" set set
contents set/one.cab >set.was
like "$(<set.was)" 'through.bin +OK' 'set: it is one'
"$batch" sign p01sha256 -o signed-set set/*.cab >said 2>&1
is "$?" 0 'set: all are signed'
is "$(contents signed-set/one.cab)" "$(<set.was)" 'set: cabextract unpacks the same as before'
"$batch" verify --ca ca.pem signed-set/*.cab >said 2>&1
is "$?" 0 'set: and good'
for name in one two three; do
  digest_right "signed-set/$name.cab"
  is "$?" 0 "set, $name: the digest is what it should be"
done
like "$(verdict signed-set/one.cab)" 'Signature verification: ok' 'set: osslsigncode accepts the first, the only one that it reads'
"$batch" sign p01sha256 set/*.cab >said 2>&1
is "$?" 0 'set: signed in place'
result "$(cmp -s set/two.cab signed-set/two.cab; echo $?)" 'set: the same comes of it'
mkdir part
"$cabinets" set part
mv part/three.cab .
cp part/two.cab two.was
"$batch" sign p01sha256 part/one.cab part/two.cab >said 2>&1
is "$?" 1 'set: where a cabinet is missing'
like "$(cat said)" "part/two.cab: it is number 2 .*'three.cab', is not in its folder" 'set: it is named'
like "$(cat said)" '1 signed' 'set: the cabinet whose neighbours are there is signed'
result "$(cmp -s part/two.cab two.was; echo $?)" 'set: the other is not touched'
"$batch" verify --ca ca.pem part/one.cab >/dev/null 2>&1
is "$?" 0 'set: a cabinet is verified without the others'
cp three.cab part/THREE.CAB
"$batch" sign p01sha256 part/two.cab >said 2>&1
is "$?" 0 'set: its name may be in capitals, as on disks of old'

# All verbs that change signed files.
cp -r reserves whole
cp in/* whole
mkdir whole-set
"$cabinets" set whole-set
cp whole-set/*.cab whole
rm -rf whole-set
total=$(find whole -type f | wc -l)
"$batch" sign p01sha256 -o all whole/*.cab >said 2>&1
is "$?" 0 'remove: all are signed'
"$batch" sign p02sha384 --existing append -o twice all/*.cab >said 2>&1
is "$?" 0 'remove: and signed again'
for folder in all twice; do
  "$batch" remove -o "bare-$folder" "$folder"/*.cab >said 2>&1
  is "$?" 0 "remove, $folder: the signatures are taken out"
  same=0
  for file in whole/*.cab; do
    cmp -s "$file" "bare-$folder/$(basename "$file")" && same=$((same + 1))
  done
  is "$same" "$total" "remove, $folder: each is what it was, bit for bit"
done
"$batch" digest --profile p01sha256 -o digests whole/*.cab >said 2>&1
is "$?" 0 'two steps: all are digested'
"$batch" sign p01sha256 --digests digests -o signatures >said 2>&1
is "$?" 0 'two steps: and signed where they are not'
mkdir attached
"$batch" attach --signatures signatures -o attached >said 2>&1
is "$?" 0 'two steps: and put together'
same=0
for file in all/*.cab; do
  cmp -s "$file" "attached/$(basename "$file")" && same=$((same + 1))
done
is "$same" "$total" 'two steps: the same comes of it, bit for bit'

# Other signers before and after us.
openssl req -new -newkey rsa:2048 -noenc -keyout soft.key -subj '/CN=Another signer' -out soft.csr 2>/dev/null
openssl x509 -req -in soft.csr -CA ca.pem -CAkey ca.key -days 365 -out soft.pem 2>/dev/null \
  -extfile <(printf '%s\n' 'keyUsage=critical,digitalSignature' 'extendedKeyUsage=codeSigning')
other() { osslsigncode sign -certs soft.pem -key soft.key -h sha256 -n 'By another' "$@" >/dev/null 2>&1; }
other -in in/zipped.cab -out theirs.cab
"$batch" verify --ca ca.pem theirs.cab >said 2>&1
is "$?" 0 'what osslsigncode signed is good'
like "$(cat said)" 'By another' 'and says what it is'
is "$("$cabinets" digest theirs.cab)" "$("$cabinets" digest out-01-sha256/zipped.cab)" 'with the same digest'
"$batch" sign p01sha256 -o both theirs.cab >said 2>&1
like "$(cat said)" 'kept.*Another signer' 'it is kept, and the signer named'
"$batch" sign p01sha256 --existing append -o both theirs.cab >said 2>&1
is "$(verdict both/theirs.cab | grep -c 'Signature verification: ok')" 2 'and can take our signature beside its own'
"$batch" sign p03sha384 --existing append both/theirs.cab >said 2>&1
is "$(verdict both/theirs.cab | grep -c 'Signature verification: ok')" 3 'and one more'
is "$(contents both/theirs.cab)" "$(contents in/zipped.cab)" 'and is unpacked as before'
osslsigncode remove-signature -in both/theirs.cab -out bare.cab >/dev/null 2>&1
result "$(cmp -s bare.cab in/zipped.cab; echo $?)" 'without all of them it is the original'
other -nest -in out-01-sha256/zipped.cab -out nested.cab
"$batch" verify --ca ca.pem --json nested.cab >said 2>&1
is "$?" 0 'a signature that osslsigncode nested in ours is good'
is "$(grep -o '"depth": *[01]' said | wc -l | tr -d ' ')" 2 'with both'
"$batch" sign p02sha384 --existing replace -o replaced both/theirs.cab >said 2>&1
is "$(wc -c <replaced/theirs.cab | tr -d ' ')" "$(wc -c <out-02-sha384/zipped.cab | tr -d ' ')" 'replaced, nothing is left of the old ones'

# What was changed afterwards is seen by all.
cp out-01-sha256/stored.cab changed.cab
printf 'X' | dd of=changed.cab bs=1 seek=20000 conv=notrunc 2>/dev/null
"$batch" verify --ca ca.pem changed.cab >said 2>&1
is "$?" 1 'a changed file is not good'
like "$(cat said)" 'changed afterwards' 'and why'
"$batch" sign p01sha256 changed.cab >said 2>&1
is "$?" 1 'nor is it kept'
like "$(cat said)" 'existing replace' 'and the way out is told'
cp out-01-sha256/stored.cab longer.cab
printf 'X' >>longer.cab
cp longer.cab longer.was
for existing in keep replace append; do
  "$batch" sign p01sha256 --existing "$existing" longer.cab >said 2>&1
  is "$?" 1 "$existing: bytes behind the signature are refused"
  like "$(cat said)" '1 bytes follow its signature' "$existing: and why"
done
result "$(cmp -s longer.cab longer.was; echo $?)" 'and the file not touched'
done_testing
