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
  # Resources and no code, as language packs have it.
  printf '1 RCDATA { "text" }\n' | "$arch-w64-mingw32-windres" -O coff -o resource.o
  "$gcc" -s -shared -nostdlib -Wl,-e,0 -o "in/$arch.res.dll" resource.o
done
cp in/x86_64.exe in/odd.exe
printf 'xyz' >>in/odd.exe
cp in/i686.exe in/overlay.exe
head -c 100001 /dev/urandom >>in/overlay.exe
programs=$(find in -type f | wc -l)
is "$programs" 12 'all programs are built'

verdict() { osslsigncode verify -CAfile ca.pem -in "$1" 2>&1; }
checksum_good() { # what osslsigncode computes is what the header says
  verdict "$1" | grep -iqE 'MISMATCH' && return 1
  return 0
}

# page_offsets DER: the offsets in the page hashes of a signature
page_offsets() {
  local at hex
  # The OCTET STRING after the class that says that page hashes follow; in it, theirs is the only one.
  at=$(openssl asn1parse -inform DER -in "$1" 2>/dev/null | grep -A1 'A6B586D5B4A12466AE05A217DA8E60D6' | tail -n 1 | sed 's/:.*//')
  hex=$(openssl asn1parse -inform DER -in "$1" -strparse "${at// /}" 2>/dev/null | sed -n 's/.*OCTET STRING.*HEX DUMP\]://p')
  fold -w 72 <<<"$hex" | sed -E 's/^(..)(..)(..)(..).*/\4\3\2\1/'
}
# expected_offsets FILE: where pages of 4096 bytes begin, as objdump sees the sections
expected_offsets() {
  local size at end=0 from
  echo 00000000
  while read -r size at; do
    size=$((16#$size)) at=$((16#$at))
    [[ $size != 0 ]] || continue
    for ((from = at; from < at + size; from += 4096)); do printf '%08X\n' "$from"; done
    end=$((at + size))
  done < <(sections "$1")
  printf '%08X\n' "$end"
}
# sections FILE: SizeOfRawData and PointerToRawData, in hex
sections() {
  local pe count optional i
  pe=$(le "$1" 60 4) count=$(le "$1" $((pe + 6)) 2) optional=$(le "$1" $((pe + 20)) 2)
  for ((i = 0; i < count; i++)); do
    printf '%x %x\n' "$(le "$1" $((pe + 24 + optional + 40 * i + 16)) 4)" "$(le "$1" $((pe + 24 + optional + 40 * i + 20)) 4)"
  done
}
le() { od -A n -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; } # FILE OFFSET SIZE: a number

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
    is "$accepted" "$programs" "key $id, $hash: osslsigncode accepts all"
    "$batch" verify --ca ca.pem "out-$id-$hash"/* >said 2>&1
    is "$?" 0 "key $id, $hash: and so do we"
  done
  # It knows no other hash than SHA-256.
  for arch in x86_64 i686; do
    sbverify --cert ca.pem "out-$id-sha256/$arch.efi" >said 2>&1
    is "$?" 0 "key $id: sbverify accepts the EFI image for $arch"
  done
done

said=$(verdict out-01-sha256/x86_64.exe)
like "$said" 'Größe ÄÖÜ' 'the description arrives'
like "$said" 'https://example.com/a\?b=c' 'the URL arrives'

osslsigncode extract-signature -in out-01-sha256/x86_64.exe -out sig.der >/dev/null 2>&1
shape=$(openssl asn1parse -inform DER -in sig.der 2>/dev/null)
like "$shape" '1\.3\.6\.1\.4\.1\.311\.2\.1\.4|Microsoft.*Indirect' 'the content is SpcIndirectDataContent'
result "$(! grep -q signingTime <<<"$shape"; echo $?)" 'there is no signing time: the same input gives the same output'
like "$shape" 'rsaEncryption' 'rsaEncryption for RSA'
"$batch" sign p01sha256 -o again in/x86_64.exe >/dev/null 2>&1
result "$(cmp -s again/x86_64.exe out-01-sha256/x86_64.exe; echo $?)" 'RSA: signed twice, bit for bit the same'

cp out-01-sha256/odd.exe kept.exe
"$batch" sign p02sha384 kept.exe >said 2>&1
like "$(cat said)" 'kept' 'a signed file is kept'
result "$(cmp -s kept.exe out-01-sha256/odd.exe; echo $?)" 'and not touched'
"$batch" sign p02sha384 --existing replace kept.exe >said 2>&1
like "$(verdict kept.exe)" 'SHA384|sha384' 'or signed anew'
is "$(wc -c <kept.exe | tr -d ' ')" "$(wc -c <out-02-sha384/odd.exe | tr -d ' ')" 'with nothing left of the old signature'

"$batch" sign p02sha384 --existing append -o nested out-01-sha256/odd.exe >said 2>&1
is "$?" 0 'a second signature is nested'
is "$(verdict nested/odd.exe | grep -c 'Signature verification: ok')" 2 'osslsigncode accepts both'
checksum_good nested/odd.exe
is "$?" 0 'the CheckSum is right with both'
"$batch" verify --ca ca.pem nested/odd.exe >/dev/null 2>&1
is "$?" 0 'and so do we'

# Other signers before us, with a key in a file.
openssl req -new -newkey rsa:2048 -noenc -keyout soft.key -subj '/CN=Another signer' -out soft.csr 2>/dev/null
openssl x509 -req -in soft.csr -CA ca.pem -CAkey ca.key -days 365 -out soft.pem 2>/dev/null \
  -extfile <(printf '%s\n' 'keyUsage=critical,digitalSignature' 'extendedKeyUsage=codeSigning')
osslsigncode sign -certs soft.pem -key soft.key -h sha256 -n 'By another' -in in/overlay.exe -out theirs.exe >/dev/null 2>&1
"$batch" verify --ca ca.pem theirs.exe >said 2>&1
is "$?" 0 'what osslsigncode signed is good'
like "$(cat said)" 'By another' 'and says what it is'
"$batch" sign p01sha256 -o both theirs.exe >said 2>&1
like "$(cat said)" 'kept.*Another signer' 'it is kept, and the signer named'
"$batch" sign p01sha256 --existing append -o both theirs.exe >said 2>&1
is "$(verdict both/theirs.exe | grep -c 'Signature verification: ok')" 2 'and can take our signature beside its own'
"$batch" sign p03sha384 --existing append both/theirs.exe >said 2>&1
is "$(verdict both/theirs.exe | grep -c 'Signature verification: ok')" 3 'and one more'
osslsigncode remove-signature -in out-01-sha256/overlay.exe -out removed.exe >/dev/null 2>&1
"$batch" sign p01sha256 -o resigned removed.exe >/dev/null 2>&1
is "$?" 0 'what another program took the signature from is signed again'

# EFI images carry several signatures side by side.
sbsign --key soft.key --cert soft.pem --output theirs.efi out-01-sha256/x86_64.efi >/dev/null 2>&1
"$batch" verify --ca ca.pem --json theirs.efi >said 2>&1
is "$?" 0 'an EFI image that sbsign signed after us is good'
is "$(grep -o '"depth": *0' said | wc -l | tr -d ' ')" 2 'with both signatures'
cp theirs.efi many.efi
for id in 02 03 02; do
  "$batch" sign "p${id}sha256" --existing append many.efi >said 2>&1
  is "$?" 0 "and takes one of key $id beside them"
done
like "$(cat said)" 'kept' 'or keeps the one that is there'
is "$(sbverify --list many.efi 2>/dev/null | grep -c '^signature [0-9]')" 4 'sbverify lists all four'
for cert in 01 02 03 soft; do
  sbverify --cert "$cert.pem" many.efi >said 2>&1
  is "$?" 0 "and accepts $cert.pem"
done
"$batch" verify --ca ca.pem many.efi >said 2>&1
is "$?" 0 'and so do we'
checksum_good many.efi
is "$?" 0 'the CheckSum is right with all'
# A program that carries two is odd: nothing is nested in one of them.
printf '\3' | dd of=theirs.efi bs=1 seek=$(($(le theirs.efi 60 4) + 92)) conv=notrunc 2>/dev/null
"$batch" sign p01sha256 --existing append -o both theirs.efi >said 2>&1
is "$?" 1 'nothing is nested where two stand side by side in another program'
"$batch" sign p02sha256 --existing replace -o both theirs.efi >said 2>&1
is "$(verdict both/theirs.efi | grep -c 'Signature verification: ok')" 1 'but both can be replaced'

# Firmware goes by the headers. Where they leave a gap, it has another digest than Windows, and sbverify would refuse ours.
cp in/x86_64.efi gap.efi
printf '\0\2' | dd of=gap.efi bs=1 seek=$(($(le gap.efi 60 4) + 84)) conv=notrunc 2>/dev/null
is "$(le in/x86_64.efi $(($(le gap.efi 60 4) + 84)) 4) $(le gap.efi $(($(le gap.efi 60 4) + 84)) 4)" '1024 512' \
  'an EFI image with a gap behind its headers is made'
"$batch" sign p01sha256 -o gap gap.efi >said 2>&1
is "$?" 1 'it is not signed'
like "$(tr -s ' \n' ' ' <said)" 'is for firmware, which would find another digest in it' 'and why'
sbsign --key soft.key --cert soft.pem --output sbsigned.efi gap.efi >/dev/null 2>&1
sbverify --cert soft.pem sbsigned.efi >/dev/null 2>&1
is "$?" 0 'what sbsign signed for firmware is good there'
"$batch" verify --ca ca.pem sbsigned.efi >said 2>&1
is "$?" 1 'and not in Windows'
like "$(tr -s ' \n' ' ' <said)" 'firmware finds another digest in it than Windows' 'and why'

# Page hashes, by us and by another signer; SectionAlignment as .NET has it.
make_profile pages "$softhsm" 01 'page-hashes: true'
x86_64-w64-mingw32-gcc -O1 -g -o in/debug.exe code.c
x86_64-w64-mingw32-gcc -O1 -s -Wl,--section-alignment,8192 -o net.exe code.c
"$batch" sign pages -o paged in/* >said 2>&1
is "$?" 0 'all are signed with page hashes'
accepted=0
for file in paged/*; do
  said=$(verdict "$file")
  grep -q 'Page hash algorithm *: SHA256' <<<"$said" && grep -q 'Signature verification: ok' <<<"$said" &&
    ! grep -q MISMATCH <<<"$said" && accepted=$((accepted + 1))
done
is "$accepted" $((programs + 1)) 'osslsigncode computes the same page hashes for all'
"$batch" verify --ca ca.pem paged/* >said 2>&1
is "$?" 0 'and so do we'
accepted=0
for file in in/*; do
  for hash in sha1 sha256; do
    osslsigncode sign -certs soft.pem -key soft.key -h "$hash" -ph -in "$file" -out "ph.exe" >/dev/null 2>&1 &&
      "$batch" verify --ca ca.pem --json ph.exe >said 2>&1
    [[ -s said ]] && ! grep -q 'page hashes are not' said && accepted=$((accepted + 1))
    rm -f ph.exe said
  done
done
is "$accepted" $(((programs + 1) * 2)) 'we find nothing wrong with the page hashes that osslsigncode makes'
"$batch" sign p02sha384 --page-hashes --existing append -o both paged/x86_64.sys >said 2>&1
is "$(verdict both/x86_64.sys | grep -c 'Page hash algorithm *: SHA256')" 2 '--page-hashes: and one more with them'

# osslsigncode takes SectionAlignment for the page. What Windows does was written down without it: the list must have an entry
# for each 4096 bytes of each section.
"$batch" sign pages -o paged net.exe >said 2>&1
is "$?" 0 'a program whose sections are aligned to 8192 is signed with page hashes'
"$batch" verify --ca ca.pem paged/net.exe >said 2>&1
is "$?" 0 'they are good'
osslsigncode extract-signature -in paged/net.exe -out net.der >/dev/null 2>&1
is "$(page_offsets net.der)" "$(expected_offsets net.exe)" 'each page of 4096 bytes has a hash'
osslsigncode extract-signature -in paged/x86_64.exe -out x.der >/dev/null 2>&1
is "$(page_offsets x.der)" "$(expected_offsets in/x86_64.exe)" 'as in any other program'

# What was changed afterwards is seen by all.
cp out-01-sha256/x86_64.exe changed.exe
printf 'X' | dd of=changed.exe bs=1 seek=1500 conv=notrunc 2>/dev/null
"$batch" verify --ca ca.pem changed.exe >said 2>&1
is "$?" 1 'a changed file is not good'
like "$(cat said)" 'changed afterwards' 'and why'
"$batch" sign p01sha256 changed.exe >said 2>&1
is "$?" 1 'nor is it kept'
like "$(cat said)" 'existing replace' 'and the way out is told'
done_testing
