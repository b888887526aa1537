#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two steps, and signatures out of files and back, with every format beside programs: packages and cabinets.
# usage: steps_formats.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"

make_token test rsa:2048 rsa:2048
make_profile rsa "$softhsm" 01
make_profile ex "$softhsm" 01 'msi-signature-ex: true'
make_profile second "$softhsm" 02 'existing: append'
cd "$work" || exit

said() { said=$("$batch" "$@" 2>&1) && status=0 || status=$?; }
sign() { said=$(SIGNET_PIN=$test_pin "$batch" sign "$@" 2>&1) && status=0 || status=$?; }
same() { cmp -s "$1" "$2"; result "$?" "$3"; }
good() { "$batch" verify --ca "$work/ca.pem" "$@" >/dev/null 2>&1; }

mkdir plain
head -c 70000 /dev/urandom >payload.bin
cat >hello.wxs <<'END'
<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
  <Product Id="*" UpgradeCode="8c7d85ec-b0d7-4b43-9d5d-d7b0f2d2ae51" Name="Hello" Language="1033" Version="1.0.0" Manufacturer="Test">
    <Package InstallerVersion="200" Compressed="yes"/>
    <Media Id="1" Cabinet="hello.cab" EmbedCab="yes"/>
    <Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="ProgramFilesFolder"><Directory Id="HELLO" Name="Hello">
      <Component Id="Main" Guid="77c0a6d1-9d5b-4f37-a0bf-0a7c0cf8a6c3"><File Id="Payload" Source="payload.bin"/></Component>
    </Directory></Directory></Directory>
    <Feature Id="All" Level="1"><ComponentRef Id="Main"/></Feature>
  </Product>
</Wix>
END
wixl -o plain/hello.msi hello.wxs >/dev/null 2>&1
gcab -c plain/hello.cab payload.bin
is "$(find plain -name 'hello.*' -size +1k | wc -l)" 2 'a package and a cabinet'

for file in hello.msi hello.cab; do
  for how in plain append ex; do
    [[ $file/$how != hello.cab/ex ]] || continue
    profile=rsa options=()
    cp "plain/$file" one && cp one before
    case $how in
      append) sign rsa one && cp one before && profile=second options=(--existing append) ;;
      ex) profile=ex options=(--msi-signature-ex) ;;
    esac
    name="$file, $how"
    said digest one "${options[@]}" -o digests.json
    is "$status" 0 "$name: digest"
    same one before "$name: which does not touch it"
    rm -f signatures.json
    sign "$profile" --digests digests.json -o signatures.json
    is "$status/$(wc -l <signatures.json)" 0/1 "$name: sign"
    said attach --signatures signatures.json
    is "$status" 0 "$name: attach"
    good one
    is "$?" 0 "$name: it is good"
    cp before direct
    sign "$profile" direct
    same one direct "$name: as signing at once"
    said attach --signatures signatures.json
    is "$status/$(grep -c '^kept' <<<"$said")" 0/1 "$name: once is enough"
    said extract one -o one.p7 --yes
    is "$status" 0 "$name: extract"
    cp one signed
    said remove one
    is "$status" 0 "$name: remove"
    same one "plain/$file" "$name: which gives back the original"
    said attach one --signature one.p7
    is "$status" 0 "$name: attach what was extracted"
    same one signed "$name: which gives back the signed file"
    cp before renamed
    said attach --signatures signatures.json renamed
    is "$status" 0 "$name: renamed, it is known by its digest"
    same renamed signed "$name: and is signed"
    cp before one
    printf x | dd of=one bs=1 seek=20000 conv=notrunc 2>/dev/null
    cp one changed
    said attach --signatures signatures.json
    is "$status" 1 "$name: a changed file is refused"
    same one changed "$name: and not touched"
  done
done
said digest --digest sha384 plain/hello.msi plain/hello.cab -o digests.json
is "$status" 0 'another hash'
sign rsa --digest sha384 --digests digests.json -o signatures.json
is "$status" 0 'is signed'
sign ex --digest sha384 --digests digests.json -o signatures.json
is "$status" 2 'a profile that wants MsiDigitalSignatureEx'
like "$said" '--msi-signature-ex' 'says what to type'
cp plain/hello.msi one
sign rsa one --msi-signature-ex
cp plain/hello.msi direct
sign ex direct
same one direct 'sign has the option, too'
for file in hello.msi hello.cab; do
  cp "plain/$file" "$file"
  sign rsa "$file"
  said extract "$file" -o "$file.p7"
  rm -f peer
  osslsigncode extract-signature -in "$file" -out peer >/dev/null 2>&1
  same "$file.p7" peer "$file: osslsigncode extracts the same"
  cp "plain/$file" back
  said attach back --signature peer
  same back "$file" "$file: and it goes back"
  osslsigncode verify -CAfile ca.pem -in back >/dev/null 2>&1
  is "$?" 0 "$file: osslsigncode verifies it"
done

done_testing
