#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What Signet signs, judged by programs that are not ours: osslsigncode, sbverify, openssl.
# usage: pe.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"

make_token test rsa:3072 EC:prime256v1 EC:secp384r1
export SIGNET_PIN=$test_pin
cd "$work" || exit
mkdir -p in

cat >code.c <<'C'
int value = 1;
int answer(void) { return value; }
int start(void *image, void *table) { (void)image; (void)table; return answer() - 1; }
#ifndef BARE
int main(void) { return answer() - 1; }
#endif
C
for arch in x86_64 i686; do
  gcc=$arch-w64-mingw32-gcc
  "$gcc" -O1 -s -o "in/$arch.exe" code.c
  "$gcc" -O1 -s -shared -o "in/$arch.dll" code.c
  entry=start
  [[ $arch == i686 ]] && entry=_start
  "$gcc" -O1 -s -DBARE -nostdlib -Wl,--subsystem,10 -Wl,-e,"$entry" -o "in/$arch.efi" code.c
  "$gcc" -O1 -s -DBARE -nostdlib -Wl,--subsystem,1 -Wl,-e,"$entry" -o "in/$arch.sys" code.c
done
cp in/x86_64.exe in/odd.exe
printf 'xyz' >>in/odd.exe
cp in/i686.exe in/overlay.exe
head -c 100001 /dev/urandom >>in/overlay.exe
result "$([[ $(find in -type f | wc -l) == 10 ]]; echo $?)" 'ten programs are built'

verdict() { osslsigncode verify -CAfile ca.pem -in "$1" 2>&1; }
checksum_good() { # what osslsigncode computes is what the header says
  verdict "$1" | grep -iqE 'MISMATCH' && return 1
  return 0
}

for id in 01 02 03; do
  for hash in sha256 sha384 sha512; do
    make_profile "p$id$hash" "$softhsm" "$id" "digest: $hash" 'description: "Größe ÄÖÜ"' 'url: https://example.com/a?b=c' \
      "purpose: $([[ $id == 01 ]] && echo commercial || echo individual)"
    "$batch" sign "p$id$hash" -o "out-$id-$hash" in/* >said 2>&1
    is "$?" 0 "key $id, $hash: all are signed"
    accepted=0
    for file in "out-$id-$hash"/*; do
      verdict "$file" | grep -q 'Signature verification: ok' && checksum_good "$file" && accepted=$((accepted + 1))
    done
    is "$accepted" 10 "key $id, $hash: osslsigncode accepts all"
  done
done

said=$(verdict out-01-sha256/x86_64.exe)
like "$said" 'Größe ÄÖÜ' 'the description arrives'
like "$said" 'https://example.com/a\?b=c' 'the URL arrives'
sbverify --cert ca.pem out-01-sha256/x86_64.efi >said 2>&1
is "$?" 0 'sbverify accepts the EFI image'

osslsigncode extract-signature -in out-01-sha256/x86_64.exe -out sig.der >/dev/null 2>&1
shape=$(openssl asn1parse -inform DER -in sig.der 2>/dev/null)
like "$shape" '1\.3\.6\.1\.4\.1\.311\.2\.1\.4|Microsoft.*Indirect' 'the content is SpcIndirectDataContent'
result "$(! grep -q signingTime <<<"$shape"; echo $?)" 'there is no signing time: the same input gives the same output'
like "$shape" 'rsaEncryption' 'rsaEncryption for RSA'
"$batch" sign p01sha256 -o again in/x86_64.exe >/dev/null 2>&1
result "$(cmp -s again/x86_64.exe out-01-sha256/x86_64.exe; echo $?)" 'RSA: signed twice, bit for bit the same'

"$batch" sign p02sha384 --existing append -o nested out-01-sha256/odd.exe >said 2>&1
is "$?" 0 'a second signature is nested'
like "$(verdict nested/odd.exe)" 'Number of (verified )?signatures: 2|Signature Index: 1' 'osslsigncode sees two'
"$batch" verify --ca ca.pem nested/odd.exe >/dev/null 2>&1
is "$?" 0 'and so do we'
osslsigncode remove-signature -in out-01-sha256/overlay.exe -out removed.exe >/dev/null 2>&1
"$batch" sign p01sha256 -o resigned removed.exe >/dev/null 2>&1
is "$?" 0 'what another program took the signature from is signed again'
done_testing
