#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Signed, stamped and revoked files, good and bad, judged by osslsigncode and by us: where the verdicts differ, why.
# usage: verify.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/tsa.sh
source "$tests/lib/tsa.sh"
cd "$work" || exit

tsa_start || exit
"$tests/lib/legacy_tsa.py" "$work" "$tsa_folder/tsa.pem" "$tsa_folder/tsa.key" "$tsa_folder/issuing.pem" \
  </dev/null >/dev/null 2>legacy.said &
legacy_pid=$!
wait_for test -s legacy-url
legacy=$(cat legacy-url)

# A CA whose certificates have the dates that are wanted: x509 -req takes none before OpenSSL 3.4, ca does.
day() { date -u -d "$1" +%Y%m%d%H%M%SZ; }
mkdir ca
: >ca/index
cat >ca/conf <<C
[ca]
default_ca = one
[one]
database = $work/ca/index
rand_serial = yes
new_certs_dir = $work/ca
default_md = sha256
unique_subject = no
policy = any
[any]
commonName = supplied
C
openssl req -new -newkey rsa:2048 -noenc -keyout soft.key -subj '/CN=x' -out soft.csr 2>/dev/null

issue() { # NAME END [PURPOSE]: NAME.pem for soft.key, from 2020 on
  printf '%s\n' 'keyUsage=critical,digitalSignature' "extendedKeyUsage=${3:-codeSigning}" >ca/extensions
  openssl req -new -key soft.key -subj "/CN=$1" -out "$1.csr"
  openssl ca -config ca/conf -batch -notext -in "$1.csr" -cert ca.pem -keyfile ca.key -startdate 20200101000000Z \
    -enddate "$(day "$2")" -extfile ca/extensions -out "$1.pem" 2>/dev/null
}
printf '%s\n' 'basicConstraints=critical,CA:TRUE' 'keyUsage=critical,keyCertSign,cRLSign' 'subjectKeyIdentifier=hash' >ca/ca.ext
for name in ca other; do
  openssl req -new -newkey rsa:2048 -noenc -keyout "$name.key" -subj "/CN=Test ${name/ca/CA}" -out "$name.csr" 2>/dev/null
  openssl ca -config ca/conf -batch -notext -in "$name.csr" -keyfile "$name.key" -selfsign -startdate 20200101000000Z \
    -enddate 20400101000000Z -extfile ca/ca.ext -out "$name.pem" 2>>ca/said
done

# The server's own are of today, and shall have stamped the day before yesterday.
backdate() { # NAME [ISSUER]
  local by=(-selfsign)
  [[ $# == 1 ]] || by=(-cert "$tsa_folder/$2.pem")
  openssl ca -config ca/conf -batch -notext -in "$tsa_folder/$1.csr" -keyfile "$tsa_folder/${2:-$1}.key" \
    "${by[@]}" -startdate 20200101000000Z -enddate 20400101000000Z \
    -extfile "$tsa_folder/$1.ext" -out ca/backdated.pem 2>>ca/said && mv ca/backdated.pem "$tsa_folder/$1.pem"
}
backdate root
backdate issuing root
backdate tsa issuing
backdate no-eku issuing
issue current '2040-01-01'
issue expired '1 day ago'
issue expires-soon '5 days'
issue lifetime '1 day ago' 'codeSigning,1.3.6.1.4.1.311.10.3.13'

serial() { openssl x509 -in "$1" -noout -serial | cut -d= -f2; }

# list OUT CA FROM TO [CERTIFICATE DATE[,REASON]]: a revocation list
list() {
  local out=$1 ca=$2 from=$3 to=$4
  : >ca/revoked
  [[ $# -lt 5 ]] ||
    printf 'R\t400101000000Z\t%s\t%s\tunknown\t/CN=x\n' "$6" "$(serial "$5")" >ca/revoked
  sed "s|^database.*|database = $work/ca/revoked|" ca/conf >ca/crl.conf
  openssl ca -config ca/crl.conf -gencrl -cert "$ca.pem" -keyfile "$ca.key" -crl_lastupdate "$(day "$from")" \
    -crl_nextupdate "$(day "$to")" -out "$out" 2>>ca/said
}
short() { date -u -d "$1" +%y%m%d%H%M%SZ; }
list none.crl ca '1 hour ago' '1 day'
list before.crl ca '1 hour ago' '1 day' current.pem "$(short '30 days ago')"
list after.crl ca '1 hour ago' '1 day' current.pem "$(short '2 hours ago')",superseded
list lost.crl ca '1 hour ago' '1 day' current.pem "$(short '2 hours ago'),keyTime,$(day '30 days ago')"
list stale.crl ca '30 days ago' '20 days ago'
list other.crl other '1 hour ago' '1 day'
openssl crl -in none.crl -outform DER -out none.der

make_programs 1 3000
sign() { # OUT CERTIFICATE ARGUMENT…
  local out=$1 leaf=$2
  shift 2
  osslsigncode sign -certs "$leaf.pem" -key soft.key -h sha256 "$@" -in "${in:-files/1.exe}" -out "$out.exe" >>signed 2>&1
}
ago=-$((2 * 24 * 3600))
sign plain current
sign stamped current -ts "$tsa_url/good"
sign legacy current -t "$legacy/sha1"
sign legacy256 current -t "$legacy/sha256"
sign two-days current -ts "$tsa_url/clock/$ago"
sign expired expired
sign saved expired -ts "$tsa_url/clock/$ago"
sign late expired -ts "$tsa_url/good"
sign lifetime lifetime -ts "$tsa_url/clock/$ago"
sign imprint current -ts "$tsa_url/wrong-imprint"
sign no-eku current -ts "$tsa_url/no-eku"
sign stranger current -ts "$tsa_url/stranger"
sign tsa-expired current -ts "$tsa_url/expired"
sign tomorrow current -ts "$tsa_url/clock/86400"
sign another current -t "$legacy/another"
sign imprint-expired expired -ts "$tsa_url/wrong-imprint"
cp stamped.exe changed.exe
printf 'X' | dd of=changed.exe bs=1 seek=1500 conv=notrunc 2>/dev/null
in=stamped.exe sign nested current -nest -ts "$tsa_url/good"
in=stamped.exe sign nested-expired expired -nest
osslsigncode add -t "$legacy/sha256" -in stamped.exe -out both.exe >>signed 2>&1
for file in plain stamped legacy legacy256 two-days expired saved late lifetime imprint no-eku stranger tsa-expired tomorrow \
  another imprint-expired nested nested-expired both; do
  [[ -s $file.exe ]] || echo "# $file.exe was not made"
done
result "$([[ $(find . -maxdepth 1 -name '*.exe' | wc -l) -ge 20 ]]; echo $?)" 'all files are made'

# A row: a file; whether it is good to us and to them; our --crl and theirs, - for none; what is to be said; then, where we
# differ, why.
passed='it passes over a timestamp that does not hold while the certificate is valid'
rows=(
  'plain|good|good|-||'
  'stamped|good|good|-||'
  'legacy|good|good|-|over SHA1|'
  'legacy256|good|good|-||'
  'both|good|good|-||'
  'two-days|good|good|-||'
  'expired|BAD|BAD|-|no timestamp proves that it signed before|'
  'saved|good|good|-|but signed before, as the timestamp of|'
  'late|BAD|BAD|-|before the timestamp of|'
  'lifetime|BAD|good|-|which a timestamp does not extend|it does not know lifetime signing'
  "imprint|BAD|good|-|it is of another signature|$passed"
  'imprint-expired|BAD|BAD|-|none of its timestamps is good|'
  "no-eku|BAD|good|-|not for timestamps|$passed"
  "stranger|BAD|good|-|no trusted root for .Stranger|$passed"
  "tsa-expired|BAD|good|-|before the timestamp|$passed"
  "tomorrow|BAD|good|-|still to come|$passed"
  "another|BAD|good|-|it is of another signature|$passed"
  'changed|BAD|BAD|-|changed afterwards|'
  'nested|good|good|-||'
  'nested-expired|BAD|good|-|no timestamp proves|one good signature is enough for it'
  'two-days|good|good|none.crl||'
  'two-days|BAD|BAD|before.crl|was revoked at .* before the timestamp|'
  'two-days|good|BAD|after.crl|was revoked at .* but signed before|it does not ask when'
  'two-days|BAD|BAD|lost.crl|counts for nothing since|'
  'two-days|BAD|BAD|stale.crl|was to be renewed at|'
  'two-days|BAD|BAD|other.crl|none of the lists given is by its issuer, CN=Test CA|'
  'plain|good|good|none.der||'
  'plain|BAD|BAD|after.crl|no timestamp counts that proves|'
)
verdict() { [[ $1 == 0 ]] && echo good || echo BAD; }
for row in "${rows[@]}"; do
  IFS='|' read -r file ours theirs crl says why <<<"$row"
  crl_ours=() crl_theirs=()
  if [[ $crl != - ]]; then
    crl_ours=(--crl "$crl")
    crl_theirs=(-CRLfile "${crl/.der/.crl}")
  fi
  said=$("$batch" verify --ca ca.pem --tsa-ca "$tsa_root" "${crl_ours[@]}" "$file.exe" 2>&1)
  is "$(verdict $?)" "$ours" "$file${crl_ours[*]:+ with ${crl_ours[1]}}: $ours to us"
  [[ -z $says ]] || like "$(tr -s ' \n' ' ' <<<"$said")" "$says" '  and the reason is told'
  judged=$(osslsigncode verify -CAfile ca.pem -TSA-CAfile "$tsa_root" "${crl_theirs[@]}" -in "$file.exe" 2>&1)
  got=$(verdict $?)
  is "$got" "$theirs" "  $theirs to osslsigncode${why:+: $why}"
  [[ $got == "$theirs" ]] || tail -n 12 <<<"${judged//$'\n'/$'\n# '}"
done

# The other way round: we sign, with a token, and it adds the timestamps.
make_token test EC:prime256v1
export SIGNET_PIN=$test_pin
make_profile plain "$softhsm" 01 "certificate: $work/01.pem"
"$batch" sign plain -o ours files/1.exe >said 2>&1
is $? 0 'a file is signed by us'
for kind in ts t; do
  url=$tsa_url/good
  [[ $kind == ts ]] || url=$legacy/sha256
  osslsigncode add "-$kind" "$url" -in ours/1.exe -out "ours/$kind.exe" >>signed 2>&1
  "$batch" verify --ca ca.pem --tsa-ca "$tsa_root" --at "$(date -u -d '5 years' +%F)" "ours/$kind.exe" >said 2>&1
  is $? 0 "with its timestamp (-$kind) our signature outlives the certificate"
  osslsigncode verify -CAfile ca.pem -TSA-CAfile "$tsa_root" -time "$(date -d '5 years' +%s)" -in "ours/$kind.exe" >said 2>&1
  is $? 0 '  and so it does to osslsigncode'
done
"$batch" verify --ca ca.pem --at "$(date -u -d '5 years' +%F)" ours/1.exe >said 2>&1
is $? 1 'without one it does not'

# Cabinets and packages too, by both.
gcab -c base.cab files/1.exe
echo '<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi"><Product Id="*" Name="A" Language="1033" Version="1.0.0"
  Manufacturer="T" UpgradeCode="12345678-1234-1234-1234-111111111111"><Package InstallerVersion="200" Compressed="yes"/>
  <Directory Id="TARGETDIR" Name="SourceDir"/></Product></Wix>' >base.wxs
wixl -o base.msi base.wxs >/dev/null 2>&1
later=$(date -d '5 years' +%s)
for kind in cab msi; do
  for how in "-ts $tsa_url/good" "-t $legacy/sha256"; do
    rm -f "theirs.$kind"
    # shellcheck disable=SC2086
    osslsigncode sign -certs expires-soon.pem -key soft.key -h sha256 $how -in "base.$kind" -out "theirs.$kind" >>signed 2>&1
    "$batch" verify --ca ca.pem --tsa-ca "$tsa_root" --at "$(date -u -d "@$later" +%F)" --json "theirs.$kind" >said 2>&1
    is "$?/$(jq -c '.files[0] | [.format, .signatures[0]."saved-by-timestamp"]' said)" "0/[\"$kind\",true]" \
      "$kind: what osslsigncode stamped (${how%% *}) outlives the certificate"
    osslsigncode verify -CAfile ca.pem -TSA-CAfile "$tsa_root" -time "$later" -in "theirs.$kind" >said 2>&1
    is $? 0 '  and so it says itself'
    printf 'X' | dd of="theirs.$kind" bs=1 seek=2000 conv=notrunc 2>/dev/null
    "$batch" verify --ca ca.pem --tsa-ca "$tsa_root" "theirs.$kind" >said 2>&1
    is $? 1 '  a changed byte is seen'
  done
  "$batch" sign plain -o ours "base.$kind" >said 2>&1
  osslsigncode add -ts "$tsa_url/good" -in "ours/base.$kind" -out "ours/stamped.$kind" >>signed 2>&1
  "$batch" verify --ca ca.pem --tsa-ca "$tsa_root" --at "$(date -u -d "@$later" +%F)" "ours/stamped.$kind" >said 2>&1
  is $? 0 "$kind: what we signed and it stamped outlives the certificate"
  osslsigncode verify -CAfile ca.pem -TSA-CAfile "$tsa_root" -time "$later" -in "ours/stamped.$kind" >said 2>&1
  is $? 0 '  and so it says'
done

# Roots of timestamps.
"$batch" verify --ca ca.pem stamped.exe >said 2>&1
is $? 1 'a timestamp whose root is not known is not good'
like "$(tr -s ' \n' ' ' <said)" 'its issuer, CN=Test TSA root, is not known here; name the root with --tsa-ca FILE' '  and what to do'
"$batch" verify --ca ca.pem --ca "$tsa_root" stamped.exe >said 2>&1
is $? 0 'the roots of --ca are those of timestamps where no others are named'
"$batch" verify --tsa-ca "$tsa_root" stamped.exe >said 2>&1
is $? 1 'the roots of --tsa-ca are no roots of signers'

# A revoked authority.
issuer=$tsa_folder/issuing
cp "$issuer.pem" issuing.pem
cp "$issuer.key" issuing.key
list tsa-lost.crl issuing '1 hour ago' '1 day' "$tsa_folder/tsa.pem" "$(short '1 hour ago'),keyCompromise"
list tsa-gone.crl issuing '1 hour ago' '1 day' "$tsa_folder/tsa.pem" "$(short '1 hour ago'),cessationOfOperation"
"$batch" verify --ca ca.pem --tsa-ca "$tsa_root" --crl none.crl --crl tsa-gone.crl saved.exe >said 2>&1
is $? 0 'what an authority stamped before it gave up its work is good'
"$batch" verify --ca ca.pem --tsa-ca "$tsa_root" --crl none.crl --crl tsa-lost.crl saved.exe >said 2>&1
is $? 1 'what it stamped before its key was lost is not'

# The gate: this signer, this timestamp.
make_profile stamped "$softhsm" 01 "certificate: $work/01.pem" "timestamp: {servers: [$tsa_url/good], ca: [$tsa_root]}"
make_profile optional "$softhsm" 01 "certificate: $work/01.pem" "timestamp: {servers: [$tsa_url/good], required: false}"
make_profile pages "$softhsm" 01 "certificate: $work/01.pem" 'page-hashes: true'
"$batch" verify --profile stamped --ca ca.pem ours/ts.exe >said 2>&1
is $? 0 'the profile wants a timestamp, and trusts its root'
"$batch" verify --profile stamped --ca ca.pem ours/1.exe >said 2>&1
is $? 1 'a file without one does not pass'
like "$(tr -s ' \n' ' ' <said)" 'it has no timestamp, and the profile wants one' '  and the reason is told'
"$batch" verify --profile optional --ca ca.pem ours/1.exe >said 2>&1
is $? 0 'it does where the profile says that none is required'
"$batch" verify --profile stamped --ca ca.pem stamped.exe >said 2>&1
is $? 1 'nor does what another signed'
like "$(tr -s ' \n' ' ' <said)" "none of its signatures was made with the profile's certificate" '  and the reason is told'
"$batch" verify --profile pages --ca ca.pem ours/1.exe >said 2>&1
is $? 1 'page hashes that the profile wants must be there'
"$batch" sign pages -o pages files/1.exe >said 2>&1
"$batch" verify --profile pages --ca ca.pem --json pages/1.exe >said 2>&1
is $? 0 'and pass when they are'
is "$(jq -r '.files[0].signatures[0]["page-hashes"]' said)" good '  as JSON tells'

# Many files: all judged, in their order, whatever comes of one.
printf '%s\n' saved.exe missing.exe plain.exe >list
for ((i = 0; i < 40; i++)); do echo ours/1.exe; done >>list
"$batch" verify --ca ca.pem --tsa-ca "$tsa_root" --json stamped.exe @list legacy.exe >said 2>errors
is $? 1 'one of many that is missing is not good'
is "$(jq -r '.files | length' said)" 45 'all are told'
is "$(jq -r '[.files[].file] | join(" ")' said)" "stamped.exe $(paste -sd' ' list) legacy.exe" 'in their order'
is "$(jq -r '[.files[] | select(.good | not) | .file] | join(" ")' said)" missing.exe 'and only that one is bad'
like "$(cat errors)" '1 of 45 files are not good' 'the last line counts'
is "$(jq -c '.files[1].signatures[0] | [.good, ."saved-by-timestamp", .timestamps[0].kind, .timestamps[0].counts, .revocation]' said)" \
  '[true,true,"rfc3161",true,"not-checked"]' 'JSON says what saved a file'
is "$(jq -c '.files[44].signatures[0] | [.timestamps[0].kind, .timestamps[0].hash, (.notes | length)]' said)" \
  '["legacy","SHA1",1]' '  and of which kind a timestamp is'
is "$(jq -c '[.files[] | keys] | unique' said)" '[["file","format","good","problems","signatures"]]' 'with the same keys always'

mkfifo fifo.exe
mkdir folder.exe
timeout 20 "$batch" verify fifo.exe folder.exe >said 2>&1
is $? 1 'a pipe and a folder are not waited for'
like "$(cat said)" "'fifo.exe' is not a regular file.*'folder.exe' is a folder" '  and called what they are'

# Usage.
"$batch" verify - <list >said 2>&1
is $? 2 "'-' is no file"
"$batch" verify --at yesterday plain.exe >said 2>&1
is $? 2 'a time is written as a date'
"$batch" verify --crl ca.pem plain.exe >said 2>&1
is $? 2 'a certificate is no list'
like "$(cat said)" "'ca.pem' has no revocation list in it" '  and that is told'
"$batch" verify @nothing >said 2>&1
is $? 2 'a list that is not there'

kill "$legacy_pid"
wait "$legacy_pid" 2>/dev/null
tsa_stop
done_testing
