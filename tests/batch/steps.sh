#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Signing in two steps: digest where the files are, sign --digests where the token is, attach back there; and signatures out
# of files and into them again.
# usage: steps.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/tsa.sh
source "$tests/lib/tsa.sh"

spy=$(find /usr/lib -name pkcs11-spy.so -print -quit)
export PKCS11SPY=$softhsm PKCS11SPY_OUTPUT=$work/spy.log
make_token test rsa:2048 rsa:2048 EC:prime256v1
make_profile rsa "$softhsm" 01
make_profile second "$softhsm" 02
make_profile ec "$softhsm" 03
make_profile spied "$spy" 01 'description: Two steps'
make_profile paged "$softhsm" 01 'page-hashes: true'
make_profile long "$softhsm" 01 'digest: sha512'
cd "$work" || exit

calls() { grep -cE "^[0-9]+: $1\$" "$PKCS11SPY_OUTPUT" 2>/dev/null || true; }
logins() { grep -c '"outcome":"begun"' "$XDG_STATE_HOME/signet/audit.log" 2>/dev/null || true; }
said() { said=$("$batch" "$@" 2>&1) && status=0 || status=$?; }
sign() { # PROFILE ARGUMENT…
  local profile=$1
  shift
  : >"$PKCS11SPY_OUTPUT"
  said=$(SIGNET_PIN=$test_pin "$batch" sign "$profile" "$@" 2>&1) && status=0 || status=$?
}
same() { cmp -s "$1" "$2"; result "$?" "$3"; }
good() { "$batch" verify --ca "$work/ca.pem" "$@" >/dev/null 2>&1; }

# ---- The way of a release.
make_programs 20 1000
cp -r files plain
said digest files/*.exe -o digests.json
is "$status" 0 'digest'
like "$said" '20 digested' 'says how many'
is "$(wc -l <digests.json)" 20 'a line for each file'
is "$(jq -r .file digests.json)" "$(printf '%s\n' files/*.exe)" 'in the order in which they were named'
is "$(stat -c %a digests.json)" 644 'that can be handed on'
is "$(diff -rq files plain)" '' 'the files are not touched'
result "$([[ $(stat -c %s digests.json) -lt 8000 ]]; echo $?)" 'large files do not travel'
before=$(logins)
sign spied --digests digests.json -o signatures.json
is "$status" 0 'sign --digests'
is "$(calls C_Login)/$(calls C_Sign)" 1/20 'one login, twenty signatures'
is "$(($(logins) - before))" 1 'one login in the audit log'
is "$(wc -l <signatures.json)" 20 'a signature for each'
like "$said" '20 signed' 'and a summary'
# The lines come in their order, although the sessions finish in another, and what is signed already is done first.
tac digests.json | head -n 7 >last.json
sign rsa --digests last.json -o again.json
is "$status/$(jq -r .file again.json)" "0/$(jq -r .file last.json)" 'in the order of the digests'
sign spied --sessions 4 --digests digests.json -o fourfold.json
same fourfold.json signatures.json 'as they stand there, byte for byte, however many sessions'
sed 1,13d signatures.json >partly.json
sign spied --digests digests.json -o partly.json
is "$status/$(grep -c '^kept' <<<"$said")" 0/7 'and with those that an earlier run signed'
same partly.json signatures.json 'in their places'
said attach --signatures signatures.json
is "$status" 0 'attach'
good files/*.exe
is "$?" 0 'all are signed'
cp -r plain direct
sign spied direct/*.exe
is "$(diff -rq files direct)" '' 'each is, bit for bit, what signing at once makes'
said attach --signatures signatures.json --json
is "$status/$(grep -c '"status":"kept"' <<<"$said")" 0/20 'again: all are kept'
said digest files/*.exe -o none.json
is "$status/$(wc -l <none.json)" 0/0 'what is signed is not digested'
sign spied --digests none.json -o nothing.json
is "$status/$(calls C_Login)/$(wc -l <nothing.json)" 0/0/0 'no digest needs no login'
said attach --signatures nothing.json
is "$status" 0 'and nothing is attached'

# ---- A run that was stopped goes on; no other file is written over.
head -n 12 signatures.json >some.json
cp some.json before
sign spied --digests digests.json -o some.json
is "$status/$(calls C_Login)/$(calls C_Sign)" 0/1/8 'the same command signs what is missing'
is "$(wc -l <some.json)/$(sort some.json | sha256sum)" "20/$(sort signatures.json | sha256sum)" 'and all are there'
sign spied --digests digests.json -o some.json
is "$status/$(calls C_Login)/$(grep -c '^kept' <<<"$said")" 0/0/20 'once more: no login'
sed -i '3s/"signature":"./"signature":"X/' some.json
sign spied --digests digests.json -o some.json --json
is "$status/$(calls C_Sign)" 0/1 'a signature that is none is made again'
SIGNET_PIN=$test_pin "$batch" sign second --digests digests.json -o some.json >said 2>&1
is "$?/$(grep -c '^signed' said)" 0/20 'those of another signer are not kept'
said digest plain/*.exe -o plain/1.exe
is "$status" 2 'digests do not replace a program'
like "$said" 'it is not replaced' 'and that is said'
sign spied --digests digests.json -o plain/1.exe
is "$status" 2 'nor do signatures'
sign spied --digests digests.json -o digests.json
is "$status" 2 'nor do they replace the digests'
is "$(wc -l <digests.json)" 20 'which are still there'

# ---- Files that moved, and files that changed.
mkdir moved
for i in 1 2 3; do cp "plain/$i.exe" "moved/renamed-$i.exe"; done
said attach --signatures signatures.json moved/*.exe -o signed/deep
is "$status" 0 'files that were renamed are known by their digest'
for i in 1 2 3; do same "signed/deep/renamed-$i.exe" "files/$i.exe" "renamed-$i.exe is signed"; done
same moved/renamed-1.exe plain/1.exe 'the input of an output folder is not touched'
cp plain/1.exe moved/1.exe
printf x >>moved/1.exe
cp moved/1.exe moved/before
said attach --signatures signatures.json moved/1.exe moved/renamed-2.exe
is "$status" 1 'a file of other bytes'
like "$said" 'built anew' 'is named, with what may have happened'
same moved/1.exe moved/before 'and stays as it was'
good moved/renamed-2.exe
is "$?" 0 'the others are attached'
cp -r plain changed
printf x | dd of=changed/5.exe bs=1 seek=1500 conv=notrunc 2>/dev/null
cp changed/5.exe before
(cd changed && sed 's,files/,,' ../signatures.json >../here.json && "$batch" attach --signatures ../here.json >../said 2>&1)
is "$?/$(grep -c '^attached' said)/$(grep -c '^failed' said)" 1/19/1 'a file that changed after it was digested is refused'
like "$(cat said)" 'of another file, or of another version' 'and why'
same changed/5.exe before 'and untouched'
cp plain/5.exe changed/5.exe
(cd changed && "$batch" attach --signatures ../here.json >../said 2>&1)
is "$?/$(grep -c '^attached' said)/$(grep -c '^kept' said)" 0/1/19 'the same command goes on'
rm changed/6.exe
(cd changed && "$batch" attach --signatures ../here.json >../said 2>&1)
is "$?" 1 'a file that is not there'
said attach --signatures signatures.json "$batch"
is "$status" 1 'a file of no format'
said attach --signatures digests.json
is "$status" 1 'digests instead of signatures'
like "$said" 'the wrong file is named' 'are seen'
said attach --signatures nowhere.json
is "$status" 2 'no such file of signatures'
sign spied --digests nowhere.json -o x.json
is "$status/$(calls C_Login)" 2/0 'no such file of digests'
sign spied --digests signatures.json -o x.json
is "$status/$(calls C_Login)" 1/0 'signatures instead of digests'
like "$said" 'the wrong file is named' 'are seen, too'

# ---- What the profile there wants.
said digest plain/*.exe -o d.json
sign long --digests d.json -o x.json
is "$status" 2 'digests of another hash than the profile signs with'
like "$said" '--digest sha512' 'and what to type'
said digest --profile long plain/1.exe -o d.json
sign long --digests d.json -o x.json
is "$status" 0 'digested for the profile'
cp plain/1.exe one.exe
said attach --signatures x.json one.exe
is "$status" 0 'it fits'
sign rsa --digests d.json --digest sha512 -o x.json
is "$status" 0 'or the hash is told'
said digest --digest sha384 plain/1.exe
is "$status/$(grep -c '"hash":"sha384"' <<<"$said")" 0/1 'without an output file: standard output'
sign rsa --digests d.json
is "$status" 2 'signatures need an output file'
sign rsa --digests d.json plain/1.exe -o x.json
is "$status" 2 'digests or files, not both'
sign rsa --digests digests.json --existing append -o x.json
is "$status" 2 'what becomes of signatures that are there is said where the files are'
ln plain/1.exe plain/hard.exe
said digest plain/1.exe plain/hard.exe plain/1.exe plain/hard.exe -o twice.json
is "$status/$(wc -l <twice.json)/$(grep -c '^same .* as plain/1.exe$' <<<"$said")" 0/2/2 'a line for each name, and no two for one'
rm plain/hard.exe
cp d.json before
said digest missing.exe -o d.json
is "$status/$(cmp d.json before)" 1/ 'where nothing could be digested, the digests that were there stay'
sign rsa --dry-run --digests digests.json -o dry.json
is "$status/$(grep -c would-sign <<<"$said")" 0/21 'a dry run'
result "$([[ ! -e dry.json ]]; echo $?)" 'writes nothing'

# What a job says of its signature would be lost on the way.
said=$(echo '{"file":"plain/1.exe","description":"Job one"}' | "$batch" digest - 2>&1)
is "$?" 2 'a job with a description is not digested'
like "$said" 'plain/1.exe.*profile' 'and it is said where that belongs'
said=$(echo '{"file":"plain/1.exe","output":"elsewhere.exe"}' | "$batch" digest - 2>&1)
is "$?/$(grep -c signet-digest <<<"$said")" 0/1 'where it goes to is a matter of attach'

# ---- Page hashes, and timestamps.
said digest plain/1.exe -o d.json
sign paged --digests d.json -o paged.json
is "$status" 2 'a profile that wants page hashes'
like "$said" '--page-hashes' 'says what to type'
said digest --page-hashes plain/1.exe -o d.json
sign paged --digests d.json -o paged.json
cp plain/1.exe paged.exe
sed -i 's,plain/1,paged,' paged.json
said attach --signatures paged.json
is "$status" 0 'with page hashes'
cp plain/1.exe direct.exe
sign paged direct.exe
same paged.exe direct.exe 'as signing at once'
tsa_start || exit 1
make_profile stamped "$softhsm" 01 "timestamp: {servers: [$tsa_url/good], tries: 1, ca: [$tsa_root]}"
make_profile unstamped "$softhsm" 01 "timestamp: {servers: [$tsa_dead], tries: 1, timeout: 1s}"
said digest plain/{1..4}.exe -o d.json
sign unstamped --digests d.json -o stamped.json
is "$status" 7 'no timestamp to be had: exit 7'
result "$([[ ! -e stamped.json ]]; echo $?)" 'and no signatures'
sign stamped --digests d.json -o stamped.json
is "$status/$(wc -l <stamped.json)" 0/4 'with timestamps'
sign stamped --digests d.json -o stamped.json
is "$status/$(grep -c '^kept' <<<"$said")/$(tsa_count good)" 0/4/4 'they are kept, and no server is asked again'
mkdir -p stamped/plain
cp plain/{1..4}.exe stamped/plain
(cd stamped && "$batch" attach --signatures ../stamped.json >/dev/null)
is "$?" 0 'they are attached'
for i in 1 2 3 4; do osslsigncode verify -CAfile ca.pem -TSA-CAfile "$tsa_root" "stamped/plain/$i.exe"; done >said 2>&1
is "$(grep -c '^Timestamp verified' said)" 4 'osslsigncode takes every one'
make_profile soft "$softhsm" 01 "timestamp: {servers: [$tsa_dead], tries: 1, timeout: 1s, required: false}"
sign soft --digests d.json -o soft.json
is "$status/$(grep -c 'without a timestamp: ' <<<"$said")" 0/4 'where none is required, they are signed without'
before=$(logins)
sign soft --digests d.json -o soft.json
is "$status/$(grep -c '^kept .*without a timestamp: ' <<<"$said")/$(wc -l <soft.json)" 0/4/4 'the same again keeps them'
sign stamped --digests d.json -o soft.json
is "$status/$(grep -c '^timestamped' <<<"$said")/$(($(logins) - before))" 0/4/0 'a retry gives the timestamps without a login'
(cd stamped && cp ../plain/{1..4}.exe plain && "$batch" attach --signatures ../soft.json >/dev/null &&
  "$batch" verify --ca ../ca.pem --tsa-ca "$tsa_root" --profile stamped plain/{1..4}.exe) >said 2>&1
like "$(tail -n 3 said)" 'names no certificate' 'a profile that names none is told so'
for i in 1 2 3 4; do osslsigncode verify -CAfile ca.pem -TSA-CAfile "$tsa_root" "stamped/plain/$i.exe"; done >said 2>&1
is "$(grep -c '^Timestamp verified' said)" 4 'which osslsigncode takes'
# What a run that was stopped did not come to stays in its output.
head -n 1 d.json >one.json
for ((i = 1; i <= 300; i++)); do jq -c ".file = \"$i\"" one.json; done >many.json
tail -n 50 many.json >tail.json
sign rsa --digests tail.json -o many-signed.json
make_profile halting "$softhsm" 01 "timestamp: {servers: [$tsa_url/first/3/good/then/hang], timeout: 1m}"
tsa_forget
SIGNET_PIN=$test_pin "$batch" sign halting --digests many.json -o many-signed.json >said 2>&1 &
victim=$!
# shellcheck disable=SC2317  # wait_for calls it
one_hangs() { [[ $(tsa_count /hang) -gt 3 ]]; }
wait_for one_hangs
kill -INT "$victim"
wait "$victim"
is "$?/$(grep -c '^signed' said)/$(wc -l <many-signed.json)" 130/3/53 'a run that was stopped loses nothing of an earlier one'
sign rsa --digests many.json -o many-signed.json
is "$status/$(grep -c '^kept' <<<"$said")" 0/53 'and the next one goes on with all of it'
tsa_stop

# ---- A signature beside one that is there.
cp files/1.exe two.exe
said digest two.exe --existing append -o d.json
is "$status/$(wc -l <d.json)" 0/1 'digest of a signed file, to append'
sign second --digests d.json -o s.json
said attach --signatures s.json
is "$status" 0 'attach appends, as digest was told'
good two.exe
is "$?" 0 'both hold'
cp files/1.exe direct.exe
sign second --existing append direct.exe
same two.exe direct.exe 'as appending at once'
said attach --signatures s.json --json
like "$said" '"kept":1' 'once is enough'
said digest two.exe --existing append -o d.json
sign ec --digests d.json -o s.json
said attach --signatures s.json
good two.exe
is "$?/$("$batch" verify --ca ca.pem --json two.exe | grep -c '"depth"')" 0/3 'a third, by another key; the first two stay valid'
cp files/1.exe three.exe
said digest three.exe --existing replace -o d.json
sign second --digests d.json -o s.json
said attach --signatures s.json
is "$status/$("$batch" verify --ca ca.pem --json three.exe | grep -c '"depth"')" 0/1 'replace'
like "$("$batch" verify --ca ca.pem three.exe)" 'Signer 2' 'by the new signer'

# ---- Lines that were tampered with: none is signed, nothing is logged in for.
python3 - <<'END'
import base64, hashlib, json, subprocess

lines = [json.loads(line) for line in open('digests.json')]
good = lines[0]
content = base64.b64decode(good['content'])
tbs = subprocess.run('openssl x509 -in ca.pem -outform DER | openssl asn1parse -inform DER -strparse 4 -noout -out tbs.der',
                     shell=True, check=True)
tbs = open('tbs.der', 'rb').read()
b64 = lambda b: base64.b64encode(b).decode()

def case(name, **changes):
    line = dict(good)
    for key, value in changes.items():
        key = key.replace('_', '-')
        if value is None:
            line.pop(key)
        else:
            line[key] = value
    write(name, json.dumps(line))

def write(name, bad):
    # The good ones stand around it.
    with open(f'bad-{name}.json', 'wb') as f:
        for line in (json.dumps(lines[1]), bad, json.dumps(lines[2])):
            f.write((line if isinstance(line, bytes) else line.encode()) + b'\n')

case('digest-of-another', digest=lines[3]['digest'])
case('content-of-another', content=lines[3]['content'])
case('digest-short', digest=good['digest'][:-2])
case('digest-upper', digest=good['digest'].upper())
case('digest-no-hex', digest='g' * 64)
case('digest-number', digest=1)
case('digest-missing', digest=None)
case('content-missing', content=None)
case('content-empty', content='')
case('content-no-base64', content='!' + good['content'][1:])
case('content-blanks', content=' ' + good['content'])
case('content-newline', content=good['content'][:60] + '\n' + good['content'][60:])
case('content-unpadded', content=b64(content + b'x').rstrip('='))
case('content-longer', content=b64(content + b'\0'))
case('content-cut', content=b64(content[:-1]))
case('content-tbs', content=b64(tbs))
case('content-digest-info', content=b64(content[content.index(b'\x30\x31\x30'):]))
case('content-cabinet', content=b64(content.replace(bytes.fromhex('823702010f'), bytes.fromhex('8237020119'))))
case('content-flags', content=b64(content.replace(bytes.fromhex('030100'), bytes.fromhex('030107'))))
case('content-long-length', content=b64(b'\x30\x82\x00' + content[1:2] + content[2:]))
case('content-attributes', content=b64(bytes([0x31]) + content[1:]))
case('version-2', signet_digest=2)
case('version-text', signet_digest='1')
case('version-missing', signet_digest=None)
case('format-other', format='elf')
case('format-cab', format='cab')
case('format-missing', format=None)
case('hash-sha1', hash='sha1')
case('hash-other', hash='sha512')
case('name-missing', file=None)
case('name-empty', file='')
case('name-number', file=7)
case('name-long', file='x' * 5000)
case('name-nul', file='a\0b')
case('existing-other', existing='both')
case('unknown', timestamp=False)
case('pages-not-there', page_hashes=True)
case('pages-number', page_hashes=1)
case('msi-of-a-program', msi_signature_ex=True)
case('duplicated', file=lines[1]['file'])
write('no-json', 'hello')
write('array', json.dumps([good]))
write('cut', json.dumps(good)[:100])
write('two-in-one', json.dumps(good) + json.dumps(good))
write('key-twice', '{"digest": "%s", ' % good['digest'] + json.dumps(good)[1:])
write('no-utf8', b'{"signet-digest": 1, "file": "\xff"}')
write('deep', '[' * 100000)
write('nul', b'\0\0\0\0')
write('huge', json.dumps({**good, 'file': 'x' * (33 << 20)}))
write('huge-content', json.dumps({**good, 'content': 'A' * (24 << 20)}))
END
: >"$PKCS11SPY_OUTPUT"
n=0
for bad in bad-*.json; do
  name=${bad#bad-} name=${name%.json}
  SIGNET_PIN=$test_pin "$batch" sign spied --digests "$bad" -o tampered.json >said 2>&1
  status=$?
  [[ $status == 1 && ! -e tampered.json ]] && grep -qE "line 2|lines 1 and 2" said
  result "$?" "tampered: $name: $(head -c 160 said | tr -d '\n')"
  n=$((n + 1))
done
result "$([[ $n -ge 48 ]]; echo $?)" "$n kinds of tampered lines"
is "$(calls C_Login)/$(calls C_Sign)" 0/0 'nothing was signed, and nobody logged in'
rm -f bad-*.json

# The other side looks as closely.
python3 - <<'END'
import base64, json
# They stand in the order in which they were made.
lines = sorted((json.loads(line) for line in open('signatures.json')), key=lambda line: line['file'] != 'files/1.exe')
one = dict(lines[0], file='back.exe')
der = bytearray(base64.b64decode(one['signature']))
der[-1] ^= 1
cases = {
    'value': dict(one, signature=base64.b64encode(der).decode()),
    'of-another': dict(one, signature=lines[1]['signature']),
    'no-signature': dict(one, signature=base64.b64encode(b'\x30\x03\x02\x01\x00').decode()),
}
for name, line in cases.items():
    open(f'back-{name}.json', 'w').write(json.dumps(line) + '\n')
END
for back in back-*.json; do
  cp plain/1.exe back.exe
  said attach --signatures "$back"
  is "$status" 1 "a signature that is not right: ${back%.json}: $(head -1 <<<"$said" | cut -c1-120)"
  same back.exe plain/1.exe 'the file stays as it was'
done

# ---- A full disk.
(
  ulimit -f 2 # KiB
  "$batch" digest plain/*.exe -o short.json >said 2>&1
)
is "$?/$(grep -c '^digested' said)/$(wc -c <short.json | awk '{print ($1 > 1000)}')" "1/$(wc -l <short.json)/1" 'a full disk: exit 1, and the lines that fit are there'
jq -e . short.json >/dev/null 2>&1
is "$?" 0 'each whole'
said digest plain/*.exe -o short.json
is "$status/$(wc -l <short.json)" 0/20 'the same command again, with room: all are'

(
  ulimit -f 20 # KiB
  SIGNET_PIN=$test_pin "$batch" sign rsa --digests digests.json -o full.json >said 2>&1
)
is "$?/$(grep -c '^signed' said)/$(grep -c '^not-tried' said | awk '{print ($1 > 0)}')" "1/$(wc -l <full.json)/1" \
  'a full disk where the token is: the run stops, and the lines that fit are there'
sign rsa --digests digests.json -o full.json
is "$status/$(wc -l <full.json)" "0/$(wc -l <digests.json)" 'the same command again, with room: all are'

# ---- A PIN that is refused, and the files that are there.
cp signatures.json before.json
said=$(SIGNET_PIN=wrong-pin-1 "$batch" sign rsa --digests digests.json -o signatures.json 2>&1)
is "$?" 4 'a wrong PIN'
same signatures.json before.json 'leaves the signatures that were there'
reset_by_hand test --module "$softhsm"

# ---- Stopped by a signal: each file is the old one or the new one, and the same command goes on.
mkdir many many-plain
for ((i = 1; i <= 40; i++)); do
  { cat hello.exe && head -c 3000000 /dev/urandom; } >"many/$i.exe"
done
cp many/* many-plain
said digest many/*.exe -o d.json
sign rsa --digests d.json -o s.json
# Its first line is read as it is written, long before its end.
mkfifo lines
"$batch" attach --signatures s.json >lines 2>&1 &
pid=$!
exec 8<lines
read -r line <&8
kill -TERM "$pid"
wait "$pid"
is "$?/${line%% *}" 130/attached 'stopped: exit 130'
exec 8<&-
odd=0
for i in many/*.exe; do good "$i" || cmp -s "$i" "many-plain/${i#many/}" || odd=$((odd + 1)); done
is "$odd/$(find many -type f | wc -l)" 0/40 'each file is the old one or the new one'
said attach --signatures s.json
good many/*.exe
is "$status/$?" 0/0 'and the same command goes on'

# ---- Out of a file, and back.
for i in 1 2; do cp "files/$i.exe" "x$i.exe"; done
said extract x1.exe -o x1.p7
is "$status" 0 'extract'
osslsigncode extract-signature -in x1.exe -out peer.p7 >/dev/null 2>&1
same x1.p7 peer.p7 'as osslsigncode extracts it'
cp plain/1.exe back.exe
said attach back.exe --signature x1.p7
is "$status" 0 'attach'
same back.exe files/1.exe 'gives the signed file, bit for bit'
osslsigncode attach-signature -sigin x1.p7 -in plain/1.exe -out peer.exe >/dev/null 2>&1
same peer.exe files/1.exe 'as osslsigncode attaches it'
osslsigncode verify -CAfile ca.pem -in back.exe >said 2>&1
is "$?" 0 'and osslsigncode verifies it'
said extract x1.exe --pem -o x1.pem
cp plain/1.exe back.exe
said attach back.exe --signature x1.pem
same back.exe files/1.exe 'PEM does it, too'
openssl pkcs7 -in x1.pem -noout
is "$?" 0 'that openssl reads'
cp plain/2.exe back.exe
said attach back.exe --signature x1.p7
is "$status" 1 'a signature of another file'
same back.exe plain/2.exe 'is not attached'
said extract plain/1.exe -o none.p7
is "$status" 1 'a file that is not signed'
said extract x1.exe -o x1.exe --yes
is "$status" 2 'the file itself is no output'
same x1.exe files/1.exe 'and is still there'
said extract x1.exe -o x1.p7
is "$status" 2 'an output that exists is not replaced unasked'
said extract x1.exe
is "$status" 2 'DER needs an output'
said extract two.exe --all -o all
is "$status/$(find . -name "all.*" | wc -l)" 0/3 'all signatures of a file'
# The last signature, which stands at the end of the first, is spoilt: none is written.
python3 - two.exe all.3 spoilt.exe <<'PYTHON'
import sys
file, nested = (open(name, "rb").read() for name in sys.argv[1:3])
at = file.rindex(nested)
open(sys.argv[3], "wb").write(file[:at + 4] + bytes(11) + file[at + 15:])
PYTHON
said extract spoilt.exe --all -o half
is "$status/$(find . -name 'half*' | wc -l)" 1/0 'where one cannot be read, none is written'
said extract two.exe --number 3 -o third.p7
same third.p7 all.3 'or one of them'
said extract two.exe --number 4 -o fourth.p7
is "$status" 1 'but none that is not there'
cp plain/1.exe back.exe
said attach back.exe --signature all.2
like "$("$batch" verify --ca ca.pem back.exe)" 'Signer [23]' 'a nested one can stand alone'
cp files/1.exe back.exe
said attach back.exe --signature all.2 --existing append
good back.exe
is "$status/$?/$("$batch" verify --ca ca.pem --json back.exe | grep -c '"depth"')" 0/0/2 'or be nested again'
said attach plain/1.exe
is "$status" 2 'attach what?'

# ---- Off again: the original, bit for bit.
said remove files/*.exe --json
is "$status/$(grep -c '"status":"removed"' <<<"$said")" 0/20 'remove'
is "$(diff -rq files plain)" '' 'gives back the originals, bit for bit'
said remove files/*.exe files/1.exe --json
is "$status/$(grep -c '"status":"kept"' <<<"$said")" 0/20 'what is not signed is kept'
like "$said" '"status":"same","same-as":"files/1.exe"' 'and what was named before is told so'
cp direct.exe nested.exe
said remove nested.exe
same nested.exe plain/1.exe 'with all that was appended'
cp x1.exe way.exe
said extract way.exe -o way.p7
said remove way.exe
said attach way.exe --signature way.p7
same way.exe x1.exe 'sign, extract, remove, attach: the signed file'
said remove way.exe x1.p7 -o bare
is "$status" 1 'a file of no format'
same bare/way.exe plain/1.exe 'does not stop the others'
same way.exe x1.exe 'and inputs stay where there is an output folder'
rm peer.exe
osslsigncode remove-signature -in x1.exe -out peer.exe >/dev/null 2>&1
cp x1.exe bare.exe
said remove bare.exe
osslsigncode verify -in bare.exe >said 2>&1
like "$(cat said)" 'No signature found' 'osslsigncode finds none any more'
is "$(stat -c %s bare.exe)" "$(stat -c %s peer.exe)" 'and leaves as many bytes'

done_testing
