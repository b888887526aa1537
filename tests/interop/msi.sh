#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installer packages that other programs built, signed by us, judged by osslsigncode, and listed stream by stream with
# libgsf and msitools; and packages that osslsigncode signed, judged by us.
# usage: msi.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"

make_token test rsa:3072 EC:prime256v1 EC:secp384r1
export SIGNET_PIN=$test_pin LC_ALL=C.UTF-8
cd "$work" || exit
mkdir -p in

echo 'hello' >hello.txt
head -c 9000000 /dev/urandom >payload.bin
package() { # NAME FILE…: a package with these files in it
  local name=$1 file i=0
  shift
  {
    cat <<'WXS'
<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
  <Product Id="*" Name="Example" UpgradeCode="12345678-1234-1234-1234-111111111111" Language="1033" Version="1.2.3"
      Manufacturer="Test">
    <Package InstallerVersion="200" Compressed="yes" Comments="Test"/>
    <Media Id="1" Cabinet="product.cab" EmbedCab="yes"/>
    <Binary Id="Tool" SourceFile="hello.txt"/>
    <Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="ProgramFilesFolder"><Directory Id="INSTALLDIR" Name="Example">
      <Component Id="Main" Guid="12345678-1234-1234-1234-222222222222">
WXS
    for file in "$@"; do
      i=$((i + 1))
      echo "<File Id=\"F$i\" Source=\"$file\" $([[ $i == 1 ]] && echo 'KeyPath="yes"')/>"
    done
    cat <<'WXS'
      </Component></Directory></Directory></Directory>
    <Feature Id="Default" Level="1"><ComponentRef Id="Main"/></Feature>
  </Product>
</Wix>
WXS
  } >"$name.wxs"
  wixl -o "in/$name.msi" "$name.wxs" >/dev/null 2>&1
}
package small hello.txt
# More than 7 MB: its FAT is too long for the header, there is a DIFAT.
package large hello.txt payload.bin
# Streams around the size from which they are no longer in the mini stream.
cp in/small.msi in/streams.msi
for size in 1 63 64 65 4032 4095 4096 4097 70000; do
  head -c "$size" /dev/urandom >"stream.$size"
  msibuild in/streams.msi -a "Stream$size" "stream.$size" >/dev/null 2>&1
done
is "$(find in -name '*.msi' | wc -l | tr -d ' ')" 3 'all packages are built'
like "$(msiinfo streams in/streams.msi)" 'Stream4097' 'with streams of many sizes'

verdict() { osslsigncode verify -CAfile ca.pem -in "$1" 2>&1; }

# Every stream but the signature's, with its digest.
listing() {
  local name
  gsf list "$1" 2>/dev/null | sed -n 's/^f  *[0-9]*  *//p' | while IFS= read -r name; do
    case $name in
    *DigitalSignature | *MsiDigitalSignatureEx) continue ;;
    esac
    printf '%s %s\n' "$(gsf cat "$1" "$name" 2>/dev/null | sha256sum | cut -c 1-64)" "$name"
  done | sort
}
tables() { # everything that is in the tables of a package
  local table
  for table in $(msiinfo tables "$1"); do
    msiinfo export "$1" "$table" 2>&1
  done
  msiinfo suminfo "$1"
}
for name in small large streams; do
  listing in/$name.msi >$name.list
done
result "$([[ $(wc -l <small.list) -gt 15 && $(wc -l <streams.list) -gt $(wc -l <small.list) ]]; echo $?)" 'libgsf lists their streams'

for ex in false true; do
  for id in 01 02 03; do
    for hash in sha256 sha384; do
      make_profile "p$id$hash$ex" "$softhsm" "$id" "digest: $hash" 'description: "Größe"' "msi-signature-ex: $ex"
      # Each key, each hash; they have nothing to do with one another.
      case $id$hash in 01sha256 | 02sha384 | 03sha384) ;; *) continue ;; esac
      out=out-$id-$hash-$ex
      "$batch" sign "p$id$hash$ex" -o "$out" in/*.msi >said 2>&1
      is "$?" 0 "key $id, $hash, Ex $ex: all are signed"
      accepted=0 same=0 protected=0
      for file in in/*.msi; do
        name=$(basename "$file")
        said=$(verdict "$out/$name")
        grep -q 'Signature verification: ok' <<<"$said" && ! grep -q MISMATCH <<<"$said" && accepted=$((accepted + 1))
        grep -q 'Calculated MsiDigitalSignatureEx' <<<"$said" && protected=$((protected + 1))
        [[ $(listing "$out/$name") == "$(<"${name%.msi}.list")" ]] && same=$((same + 1))
      done
      is "$accepted" 3 "key $id, $hash, Ex $ex: osslsigncode accepts all"
      is "$protected" "$([[ $ex == true ]] && echo 3 || echo 0)" "key $id, $hash, Ex $ex: it saw MsiDigitalSignatureEx"
      is "$same" 3 "key $id, $hash, Ex $ex: libgsf reads every stream as before"
      "$batch" verify --ca ca.pem "$out"/* >said 2>&1
      is "$?" 0 "key $id, $hash, Ex $ex: and so do we"
    done
  done
done
for name in small large streams; do
  is "$(tables out-01-sha256-true/$name.msi | sha256sum)" "$(tables in/$name.msi | sha256sum)" "$name: msiinfo reads all tables as before"
  # What is written is as long as it must be: sectors of 512 bytes, and no file of another version.
  is "$(od -An -tu2 -j26 -N2 out-01-sha256-true/$name.msi | tr -d ' ')" 3 "$name: it is still of version 3"
  is "$(($(stat -c %s out-01-sha256-true/$name.msi) % 512))" 0 "$name: and ends with a sector"
done
like "$(msiinfo streams out-01-sha256-true/small.msi)" 'DigitalSignature' 'msiinfo lists the signature'
gsf cat out-01-sha256-false/small.msi "$(printf '\005DigitalSignature')" >stream.der 2>/dev/null
osslsigncode extract-signature -in out-01-sha256-false/small.msi -out theirs.der >/dev/null 2>&1
result "$(cmp -s stream.der theirs.der; echo $?)" 'libgsf and osslsigncode take the same signature out'
like "$(verdict out-01-sha256-true/small.msi)" 'Größe' 'the description arrives'
"$batch" sign p01sha256true -o again in/small.msi >/dev/null 2>&1
result "$(cmp -s again/small.msi out-01-sha256-true/small.msi; echo $?)" 'RSA: signed twice, bit for bit the same'

# Another signer, with a key in a file.
openssl req -new -newkey rsa:2048 -noenc -keyout soft.key -subj '/CN=Another signer' -out soft.csr 2>/dev/null
openssl x509 -req -in soft.csr -CA ca.pem -CAkey ca.key -days 365 -out soft.pem 2>/dev/null \
  -extfile <(printf '%s\n' 'keyUsage=critical,digitalSignature' 'extendedKeyUsage=codeSigning')

# Version 4, which no tool here makes; and version 3 by the same program.
for version in 3 4; do
  "$tests/bench/sparse_msi.py" "version$version.msi" "$version" 5000 100000 3000000
  for ex in false true; do
    "$batch" sign "p01sha256$ex" -o "version-$ex" "version$version.msi" >said 2>&1
    like "$(verdict "version-$ex/version$version.msi")" 'Signature verification: ok' "version $version, Ex $ex: accepted"
    is "$(listing "version-$ex/version$version.msi")" "$(listing "version$version.msi")" "version $version, Ex $ex: streams as before"
    is "$(od -An -tu2 -j26 -N2 "version-$ex/version$version.msi" | tr -d ' ')" "$version" "version $version, Ex $ex: it stays so"
  done
  osslsigncode sign -certs soft.pem -key soft.key -h sha256 -add-msi-dse -in "version$version.msi" -out "theirs$version.msi" >/dev/null 2>&1
  "$batch" verify --ca ca.pem "theirs$version.msi" >said 2>&1
  is "$?" 0 "version $version: what osslsigncode signed is good"
done

# Both agree on the digest.
digests() { verdict "$1" | sed -n 's/^\(Current\|Calculated\) [A-Za-z]* *: //p' | tr -d ' '; }
osslsigncode remove-signature -in out-01-sha256-true/large.msi -out removed.msi >/dev/null 2>&1
is "$(listing removed.msi)" "$(<large.list)" 'osslsigncode takes a signature of ours out, and leaves the rest'
"$batch" sign p01sha256true -o resigned removed.msi >said 2>&1
is "$?" 0 'what it has written then is signed again'
like "$(verdict resigned/removed.msi)" 'Signature verification: ok' 'and accepted'
is "$(digests resigned/removed.msi)" "$(digests out-01-sha256-true/large.msi)" 'with the same digests as before'

# What another signed before us.
for ex in '' -add-msi-dse; do
  for name in small large streams; do
    rm -f theirs.msi
    osslsigncode sign -certs soft.pem -key soft.key -h sha256 ${ex:+"$ex"} -in "in/$name.msi" -out theirs.msi >/dev/null 2>&1
    "$batch" verify --ca ca.pem theirs.msi >said 2>&1
    is "$?" 0 "$name $ex: what osslsigncode signed is good"
    "$batch" sign p01sha256false -o kept theirs.msi >said 2>&1
    like "$(cat said)" 'kept.*Another signer' "$name $ex: it is kept, and the signer named"
    "$batch" sign p01sha256false --existing append -o both theirs.msi >said 2>&1
    is "$?" 0 "$name $ex: ours goes beside it"
    is "$(verdict both/theirs.msi | grep -c 'Signature verification: ok')" 2 "$name $ex: osslsigncode accepts both"
    is "$(listing both/theirs.msi)" "$(<$name.list)" "$name $ex: every stream is as before"
    "$batch" verify --ca ca.pem both/theirs.msi >/dev/null 2>&1
    is "$?" 0 "$name $ex: and so do we"
    "$batch" sign p02sha384true --existing replace -o replaced theirs.msi >said 2>&1
    like "$(verdict replaced/theirs.msi)" 'Signature verification: ok' "$name $ex: or ours is in its place"
    is "$(listing replaced/theirs.msi)" "$(<$name.list)" "$name $ex: and every stream is as before"
  done
done
# One digest is shared by all: SHA-384 does not fit beside SHA-256.
"$batch" sign p01sha384false --existing append -o not theirs.msi >said 2>&1
is "$?" 1 'a digest of another size is not added where there is MsiDigitalSignatureEx'
like "$(cat said)" 'MsiDigitalSignatureEx of 32 bytes' 'and the reason is told'

# Another signer after us writes the file anew.
for ex in false true; do
  protect=()
  [[ $ex == false ]] || protect=(-add-msi-dse)
  osslsigncode sign -nest -certs soft.pem -key soft.key -h sha256 "${protect[@]}" \
    -in "out-01-sha256-$ex/large.msi" -out "anew-$ex.msi" >/dev/null 2>&1
  "$batch" verify --ca ca.pem --json "anew-$ex.msi" >said 2>&1
  is "$?" 0 "Ex $ex: what osslsigncode signed after us is good"
  is "$(grep -o '"depth": *[01]' said | wc -l | tr -d ' ')" 2 "Ex $ex: with both signatures"
  "$batch" sign "p02sha256$ex" --existing append -o after "anew-$ex.msi" >said 2>&1
  is "$(verdict "after/anew-$ex.msi" | grep -c 'Signature verification: ok')" 3 "Ex $ex: and takes one more of ours"
  is "$(listing "after/anew-$ex.msi")" "$(<large.list)" "Ex $ex: every stream is as before"
done

# Over our own, again and again: nothing grows.
cp out-01-sha256-true/large.msi over.msi
for id in 02 01 03 01; do
  "$batch" sign "p${id}sha256true" --existing replace over.msi >/dev/null 2>&1
done
result "$(cmp -s over.msi out-01-sha256-true/large.msi; echo $?)" 'replaced four times: as if it had been signed once'
for profile in p02sha256false p03sha256false p02sha256true; do
  "$batch" sign "$profile" --existing append over.msi >/dev/null 2>&1
done
is "$(verdict over.msi | grep -c 'Signature verification: ok')" 3 'appended, the last one twice: osslsigncode accepts three signatures'

# What was changed afterwards is seen by all.
cp out-01-sha256-true/large.msi changed.msi
printf 'X' | dd of=changed.msi bs=1 seek=3000000 conv=notrunc 2>/dev/null
"$batch" verify --ca ca.pem changed.msi >said 2>&1
is "$?" 1 'a changed package is not good'
like "$(cat said)" 'changed afterwards' 'and why'
cp in/small.msi behind.msi
printf 'appended' >>behind.msi
"$batch" sign p01sha256false behind.msi >said 2>&1
is "$?" 1 'a package with bytes behind its end is not signed'
like "$(cat said)" 'bytes stand behind its last sector' 'and why'
done_testing
