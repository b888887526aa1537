#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Timestamps as a build meets them: good servers, bad ones, none; what is signed without them, and how it gets them later.
# usage: timestamps.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/tsa.sh
source "$tests/lib/tsa.sh"

make_token test rsa:2048 EC:prime256v1
tsa_start || exit 1
make_profile good "$softhsm" 01 "timestamp: {servers: [$tsa_url/good], tries: 1, timeout: 5s, ca: [$tsa_root]}"
make_profile soft "$softhsm" 01 "timestamp: {servers: [$tsa_dead], tries: 1, timeout: 1s, required: false}"
make_profile bare "$softhsm" 01
make_profile second "$softhsm" 02 'existing: append' 'digest: sha384'
export SIGNET_PIN=$test_pin
cd "$work" || exit

sign() { "$batch" sign "$@" >said 2>errors; }
stamp() { "$batch" timestamp "$@" >said 2>errors; }
logins() { grep -c '"event":"login","outcome":"ok"' "$XDG_STATE_HOME/signet/audit.log"; }
signed_well() { "$batch" verify --ca ca.pem --tsa-ca "$tsa_root" "$@" >/dev/null 2>&1; }
# stamped FILE…: how many timestamps another program finds, each good
stamped() {
  local file count=0
  for file in "$@"; do
    count=$((count + $(osslsigncode verify -CAfile ca.pem -TSA-CAfile "$tsa_root" "$file" 2>&1 | grep -c '^Timestamp verified')))
  done
  echo "$count"
}
whole() { is "$(find . -name '.*signet*' | wc -l)" 0 "nothing half-written stays $1"; }
summary() { jq -r "select(.summary) | .summary.\"$1\" // 0" said; }

# Good servers.
make_programs 5 1000
sign good files/*.exe --json
is "$?" 0 'files are signed with timestamps'
is "$(stamped files/*.exe)" 5 'osslsigncode takes every one'
is "$(summary timestamps)/$(jq -s '[.[] | select(.timestamp.server)] | length' said)" 5/5 'and the records tell of them'
sign good files/*.exe
is "$?/$(grep -c '^kept' said)/$(tsa_count good)" 0/5/5 'they are kept, and no server is asked again'
make_programs 1 1000
sign good --timestamp "$tsa_dead" --timestamp "$tsa_url/status/500" --timestamp "$tsa_url/good" files/1.exe
is "$?/$(stamped files/1.exe)" 0/1 'the next server is asked when the ones before it fail'
make_programs 1 1000
sign good --timestamp "$tsa_url/hang" --timestamp "$tsa_url/good" files/1.exe
is "$?/$(stamped files/1.exe)" 0/1 'also when one never answers'
make_programs 1 1000
sign good --timestamp "$tsa_tls/good" files/1.exe
is "$?" 7 'TLS: a server whose certificate leads nowhere is not asked'
SSL_CERT_FILE=$tsa_root sign good --timestamp "$tsa_tls/good" files/1.exe
is "$?/$(stamped files/1.exe)" 0/1 'TLS: one that is trusted is'

# Connections stay open from one request to the next: as many as requests are under way. One that its server has closed costs no
# try: each file has but one.
make_programs 20 1000
make_profile kept "$softhsm" 01 "timestamp: {servers: [$tsa_url/good], tries: 1, parallel: 4}" 'existing: replace'
for case in "$tsa_url/good" "$tsa_tls/good" "$tsa_url/redirect/307/good" "$tsa_tls/close/good" "$tsa_tls/silent-close/good" \
  "$tsa_url/silent-close/good" "$tsa_url/once/good" "$tsa_tls/once/good"; do
  tsa_forget
  SSL_CERT_FILE=$tsa_root sign kept --timestamp "$case" files/{1..20}.exe
  is "$?/$(stamped files/{1..20}.exe)" 0/20 "${case%%:*}, ${case#*//*/}: 20 files"
  connections=$(tsa_connections)
  case $case in
    *close/* | *once/*) is "$connections" 20 'each by a connection of its own' ;;
    *) result "$([[ $connections -ge 1 && $connections -le 4 ]]; echo $?)" "by $connections connections, at most 4" ;;
  esac
done

# A CA below the root is enough for timestamp.ca, when it signs and when the same profile judges.
make_programs 1 1000
make_profile below "$softhsm" 01 "timestamp: {servers: [$tsa_url/good], ca: [$tsa_folder/issuing.pem]}" "certificate: $work/01.pem"
sign below --tsa-ca "$work/ca.pem" files/1.exe
is "$?" 7 '--tsa-ca stands instead of it'
sign below files/1.exe
is "$?" 0 'timestamp.ca: a CA below the root'
"$batch" verify --ca ca.pem --profile below files/1.exe >said 2>&1
is "$?" 0 'which the gate takes, too'
"$batch" verify --ca ca.pem --tsa-ca "$work/ca.pem" files/1.exe >said 2>&1
is "$?" 1 'without the profile nobody trusts it'

stamp --server ftp://user:87654321@127.0.0.1/ files/1.exe
is "$?/$(grep -c 87654321 errors)" 2/0 'a password in an address is not repeated'

# Its files stand beside the profile; what lies in the folder of the build chooses no roots.
make_programs 1 1000
make_profile beside "$softhsm" 01 "timestamp: {servers: [$tsa_url/good], ca: [tsa-root.pem], tries: 1}" "certificate: $work/01.pem"
cp ca.pem tsa-root.pem
cp "$tsa_root" "$XDG_CONFIG_HOME/signet/profiles/tsa-root.pem"
sign beside files/1.exe
is "$?/$(stamped files/1.exe)" 0/1 'timestamp.ca: relative to the profile'
"$batch" verify --ca ca.pem --profile beside files/1.exe >said 2>&1
is "$?" 0 'for the gate, too'

# Bad servers: each file stays as it was, soon.
make_programs 1 1000
cp files/1.exe original
for mode in hang drop status/500 busy/1 wrong-nonce no-nonce wrong-imprint stale expired no-eku stranger clock/3600 endless garbage \
  empty trailing rejected page; do
  start=$SECONDS
  sign good --timestamp "$tsa_url/$mode" files/1.exe
  status=$?
  took=$((SECONDS - start))
  cmp -s files/1.exe original
  is "$status/$?/$([[ $took -le 20 ]]; echo $?)" 7/0/0 "$mode: exit 7, soon, and the file stays"
  like "$(cat said)" "failed .*$tsa_url/$mode: " "$mode: the server and a reason are told"
done
whole 'after bad servers'
echo 'not a program' >files/bad.exe
sign good --timestamp "$tsa_url/drop" files/1.exe files/bad.exe
is "$?" 1 'another failure beside it: exit 1'
rm files/bad.exe

# A person who stops it is told how to go on; the file in hand waits for its server.
make_programs 2 1000
rm -rf was && cp -r files was
"$tests/lib/typed.py" signed $'\x03' stopping $'\x03' -- "$batch" sign good --sessions 1 --timestamp \
  "$tsa_url/first/1/good/then/hang" files/1.exe files/2.exe >said
is "$?" 130 'Ctrl-C twice while a server keeps silent: exit 130'
like "$(cat said)" 'once more stops it at once' 'the first one says what the second will do'
unsigned=1
[[ $(stamped files/1.exe) == 1 ]] && unsigned=2
is "$(stamped files/1.exe files/2.exe)" 1 'one is signed'
cmp -s "files/$unsigned.exe" "was/$unsigned.exe"
is "$?" 0 'and the other stays as it was'
whole 'after Ctrl-C'

# A server that is down does not cost a signature for each file.
rm -f files/*.exe
make_programs 60 1000
sign good --timestamp "$tsa_dead" files/*.exe --json
is "$?" 7 'a server that is down: exit 7'
like "$(cat errors)" 'stopped; the same command goes on' 'the run stops and says how it goes on'
is "$([[ $(summary failed) -le 8 && $(summary not-tried) -ge 52 ]]; echo $?)" 0 'before all were tried'
whole 'when the run stopped'
sign good files/*.exe
is "$?/$(stamped files/1.exe files/60.exe)" 0/2 'the same command goes on when it answers'

# Not required.
make_programs 4 1000
rm -f files/{5..60}.exe
before=$(logins)
sign soft files/*.exe --json
is "$?/$(summary signed)/$(summary without-timestamp)" 0/4/4 'where none is required they are signed without'
is "$(jq -s '[.[] | select(."no-timestamp".code == "timestamp")] | length' said)" 4 'and each says so'
signed_well files/*.exe
is "$?/$(stamped files/*.exe)/$(($(logins) - before))" 0/0/1 'well, in one login'
sign soft files/*.exe
is "$?/$(grep -c '^kept .*without a timestamp: ' said)/$(($(logins) - before))" 0/4/1 'the same again: kept, no login'
like "$(tail -n 1 said)" '4 kept, 4 files without a timestamp' 'counted in the summary'
sign good files/*.exe
is "$?/$(grep -c '^timestamped' said)/$(($(logins) - before))" 0/4/1 'a retry gives the timestamps without a login'
is "$(stamped files/*.exe)" 4 'and osslsigncode takes them'
whole 'after the retry'

# Into a folder, where an earlier run left files without.
make_programs 3 1000
sign bare -o out files/{1,2,3}.exe
sign good -o out files/{1,2,3}.exe --dry-run
is "$?/$(grep -c '^would-timestamp' said)" 0/3 'a dry run says what would be stamped'
before=$(logins)
env -u SIGNET_PIN "$batch" sign good -o out files/{1,2,3}.exe >said 2>errors
is "$?/$(grep -c '^timestamped' said)/$(($(logins) - before))" 0/3/0 \
  'what stands in the output folder gets only the timestamp, without a PIN source'
is "$(stamped out/*.exe)" 3 'which is good'
sign good -o out files/{1,2,3}.exe
is "$?/$(grep -c '^kept' said)" 0/3 'once'
make_programs 1 1000
sign good --no-timestamp files/1.exe
is "$?/$(stamped files/1.exe)" 0/0 '--no-timestamp'

# Later, without the token: whoever signed, nested ones too.
make_programs 3 1000
sign bare files/1.exe files/2.exe && sign second files/2.exe
hide() { env -u SIGNET_PIN SOFTHSM2_CONF=/nonexistent "$@"; }
hide "$batch" timestamp --server "$tsa_url/good" --tsa-ca "$tsa_root" files/{1,2,3}.exe --json >said 2>errors
is "$?/$(summary timestamped)/$(summary timestamps)/$(summary failed)" 1/2/3/1 'timestamp: every signature of signed files gets one'
like "$(cat said)" 'is not signed' 'a file that is not signed is told so'
is "$(stamped files/1.exe)" 1 'osslsigncode takes it'
is "$("$batch" verify --ca ca.pem --tsa-ca "$tsa_root" --json files/2.exe | jq '[.files[0].signatures[] | select(.timestamp != null and .timestamp != false)] | length')" 2 \
  'both of two signatures have theirs'
signed_well files/1.exe files/2.exe
is "$?" 0 'both files are still signed well'
stamp --server "$tsa_dead" files/1.exe files/2.exe
is "$?/$(grep -c '^kept' said)" 0/2 'what has all is kept, and nobody is asked'
make_programs 3 1000
sign bare files/{1,2,3}.exe
cp files/1.exe original
stamp --server "$tsa_url/wrong-imprint" files/1.exe
is "$?" 7 'timestamp: a bad answer is exit 7'
cmp -s files/1.exe original
is "$?" 0 'and the file stays'
printf '%s\n' files/1.exe files/2.exe >list
stamp --server "$tsa_url/good" -o later @list
is "$?/$(stamped later/*.exe)/$(stamped files/1.exe)" 0/2/0 'timestamp: a list, into a folder'
stamp files/1.exe
is "$?" 2 'without a server: exit 2'
like "$(cat errors)" '--server URL' 'and what to do'
# What the profile's `sign` writes.
make_profile whole "$softhsm" 01 "timestamp: {servers: [$tsa_url/good]}" 'files: ["files/*.exe"]' 'output: {directory: release}'
rm -f files/*.exe
make_programs 2 1000
sign whole --no-timestamp
stamp --profile whole --dry-run
is "$?/$(grep -c '^would-timestamp' said)" 0/2 'timestamp: a dry run'
stamp --profile whole
is "$?/$(stamped release/*.exe)/$(stamped files/*.exe)" 0/2/0 'timestamp: without files, what the profile writes'

# Packages and cabinets: what is added to a signature leaves all else as it was.
cat >package.wxs <<'WXS'
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
  <Product Id="*" Name="Example" Language="1033" Version="1.0.0" UpgradeCode="12345678-1234-1234-1234-111111111111" Manufacturer="Test">
    <Package InstallerVersion="200" Compressed="yes"/>
    <Media Id="1" Cabinet="product.cab" EmbedCab="yes"/>
    <Directory Id="TARGETDIR" Name="SourceDir"><Component Id="Main" Guid="12345678-1234-1234-1234-222222222222">
      <File Id="F" Source="package.wxs" KeyPath="yes"/>
    </Component></Directory>
    <Feature Id="Default" Level="1"><ComponentRef Id="Main"/></Feature>
  </Product>
</Wix>
WXS
mkdir plain packages
wixl -o plain/plain.msi package.wxs >/dev/null 2>&1
cp plain/plain.msi plain/ex.msi
gcab -c plain/one.cab package.wxs
cp plain/* packages
make_profile ex "$softhsm" 01 'msi-signature-ex: true'
sign ex packages/ex.msi && sign bare packages/plain.msi packages/one.cab
is "$?" 0 'packages are signed without timestamps'
stamp --server "$tsa_url/good" packages/*
is "$?/$(stamped packages/*)" 0/3 'they get them later, and osslsigncode takes them'
signed_well packages/*
is "$?" 0 'all is good in them'
"$batch" remove -o again packages/* >said 2>&1
is "$?/$(diff -rq plain again)" 0/ 'without their signatures they are what they were, bit for bit'

# Several at once: one that waits holds up no other, and four share the time.
make_profile calm "$softhsm" 01 "timestamp: {servers: [$tsa_dead], tries: 1, timeout: 2m, ca: [$tsa_root]}"
make_programs 24 1000
sign calm --json --timestamp "$tsa_url/first/1/last/23/status/500/then/good" files/{1..24}.exe
is "$?" 7 'one of 24 requests is refused, once the others have their answers: its file fails'
is "$(summary signed)/$(summary failed)" 23/1 'the others do not, and none of them waited for it'
# How much time that saves, tests/bench/timestamps.sh measures.
make_programs 24 1000
sign calm --timestamp "$tsa_url/together/4/good" files/{1..24}.exe
is "$?/$(stamped files/{1..24}.exe)" 0/24 'a server that answers four requests together, and none alone'

# A signal: what has its signature gets its timestamp.
make_programs 150 1000
: >said # the last run's lines are not this one's
"$batch" sign good --timestamp "$tsa_url/good/100" files/*.exe >said 2>errors &
victim=$!
for ((i = 0; i < 1200; i++)); do
  [[ $(grep -c '^signed' said) -lt 4 ]] || break
  sleep 0.05
done
kill -INT "$victim"
wait "$victim"
is "$?" 130 'SIGINT: exit 130'
signed=$(grep -c '^signed' said)
is "$([[ $signed -gt 4 && $signed -lt 150 ]]; echo $?)/$(grep -c '^failed' said)" 0/0 'files in hand are finished'
mapfile -t names < <(sed -n 's/^signed *//p' said)
is "$(stamped "${names[@]}")" "$signed" 'with their timestamps'
whole 'after SIGINT'
make_programs 40 1000
make_profile patient "$softhsm" 01 "timestamp: {servers: [$tsa_url/hang], tries: 100, timeout: 10m}"
make_profile seldom "$softhsm" 01 "timestamp: {servers: [$tsa_url/good], rate: 1}"
begin() { # PROFILE PATH: signs in the background, and waits until the server was asked; $victim
  local i
  tsa_forget
  "$batch" sign "$1" files/{1..40}.exe >said 2>errors &
  victim=$!
  for ((i = 0; i < 600; i++)); do
    [[ $(tsa_count "$2") == 0 ]] || break
    sleep 0.05
  done
  start=$SECONDS
}
# A minute is what each of them would wait at least, and most for hours.
for case in patient/hang seldom/good; do
  begin "${case%/*}" "/${case#*/}"
  kill -INT "$victim"
  wait "$victim"
  is "$?/$([[ $((SECONDS - start)) -le 30 ]]; echo $?)" 130/0 "SIGINT, ${case%/*}: the servers are not waited for"
  is "$(grep -cE '^(failed|signed .*without)' said)" 0 'what has no timestamp stays as it was'
done
begin patient /hang
kill -INT "$victim"
# Two of the same that wait are one.
# shellcheck disable=SC2317  # wait_for calls it
took_it() { grep -q '^ShdPnd:.*00$' "/proc/$victim/status"; }
wait_for took_it
kill -INT "$victim"
wait "$victim"
is "$?/$([[ $((SECONDS - start)) -lt 5 ]]; echo $?)" 130/0 'a second signal waits for nothing'
whole 'after that'
tsa_stop
done_testing
