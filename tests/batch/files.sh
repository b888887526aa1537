#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Files: which ones, where to, and that each is the old one or the new one whatever happens.
# usage: files.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"

make_token test rsa:2048 EC:prime256v1
make_profile rsa "$softhsm" 01 'files: ["files/*.exe", "!files/3.exe"]' "chain: [$work/ca.pem]"
make_profile ec "$softhsm" 02 'digest: sha384'
export SIGNET_PIN=$test_pin
cd "$work" || exit

good() { "$batch" verify --ca "$work/ca.pem" "$@" >/dev/null 2>&1; }
# `SIGNET_PIN` is taken out of the environment by each program, not out of this shell's.
sign() { "$batch" sign "$@" >"$work/said" 2>"$work/errors"; }

make_programs 5 1000
sign rsa
is "$?" 0 'the patterns of the profile'
good files/1.exe files/2.exe files/4.exe files/5.exe
is "$?" 0 'what they take in is signed'
good files/3.exe
is "$?" 1 'what they leave out is not'

make_programs 5 1000
printf '%s\n' files/1.exe files/2.exe >list
sign rsa @list files/3.exe -o out/deep
is "$?" 0 '@LIST and a file, into a new folder'
good out/deep/1.exe out/deep/2.exe out/deep/3.exe
is "$?" 0 'the outputs are signed'
good files/1.exe
is "$?" 1 'the inputs are not touched'
sign rsa -o out/deep files/1.exe out/deep/2.exe --existing keep
is "$?" 0 'a kept file counts as done'
like "$(cat said)" 'kept' 'and is called kept'

printf '{"file":"files/1.exe","output":"%s","description":"Job one"}\n' "$work/job.exe" | sign ec -
is "$?" 0 'jobs on standard input'
like "$("$batch" verify --ca ca.pem job.exe)" 'Job one' 'with a description of their own'

make_programs 2 1000
chmod 751 files/1.exe
ln -s 1.exe files/link.exe
ln files/1.exe files/hard.exe
sign rsa files/1.exe files/link.exe files/hard.exe --json
is "$?" 0 'one file under three names'
is "$(grep -c '"status":"signed"' said)/$(grep -c '"status":"same"' said)" 1/2 'is signed once'
is "$(stat -c %a files/1.exe)" 751 'its mode is kept'
result "$([[ -L files/link.exe ]]; echo $?)" 'the link is still a link'
rm -f files/link.exe files/hard.exe

make_programs 4 1000
echo 'not a program' >files/bad.exe
sign rsa --json files/1.exe files/bad.exe files/none.exe files files/2.exe
is "$?" 1 'bad files: exit 1'
is "$(grep -c '"status":"signed"' said)/$(grep -c '"status":"failed"' said)" 2/3 'do not stop the good ones'
is "$(cat files/bad.exe)" 'not a program' 'a bad file stays as it was'
is "$(find . -name '.*signet*' | wc -l)" 0 'nothing half-written stays'
rm files/bad.exe

# Whoever starts it may have closed its output: that is not written into the files.
make_programs 60 300000
"$batch" sign rsa files/*.exe >&- 2>errors
is "$?" 1 'closed output: exit 1, for nothing could be told'
good files/*.exe
is "$?" 0 'every file is signed, and nothing else is in it'
"$batch" remove files/*.exe <&- >&- 2>&-
is "$?/$("$batch" verify files/*.exe 2>&1 | grep -c 'not signed')" 1/60 'the same of remove'
rm files/{5..60}.exe

sign rsa --dry-run files/3.exe
is "$?" 0 'a dry run'
like "$(cat said)" 'would-sign' 'says what would be done'
good files/3.exe
is "$?" 1 'and does not do it'

# An output that is no file stays what it is.
mkdir folder
mkfifo pipe
ln -s /proc/self/fd/1 descriptor
for output in folder pipe descriptor; do
  printf '{"file":"files/3.exe","output":"%s"}\n' "$output" | sign rsa -
  is "$?" 1 "a $output is no output of sign"
  "$batch" extract out/deep/1.exe -o "$output" --yes >said 2>errors
  is "$?" 1 "nor of extract, whatever --yes says"
  like "$(cat errors)" "'$output' is .*name a file" 'and that is said'
done
is "$(stat -c %F folder pipe descriptor | tr '\n' /)" 'directory/fifo/symbolic link/' 'they are what they were'

mkdir -p a b
cp files/3.exe a/x.exe
cp files/4.exe b/x.exe
sign rsa -o out a/x.exe b/x.exe
is "$?" 2 'two files with one output are refused'
like "$(cat errors)" 'would both be written' 'with both names'
sign rsa
is "$?" 0 'what can be is signed again'
sign rsa 'nothing/*.exe'
is "$?" 1 'a file that is not there'
sign none files/1.exe
is "$?" 2 'a profile that is not there'
sign --key 'pkcs11:token=test;id=%02' --module "$softhsm" --pin env:SIGNET_PIN files/4.exe
is "$?" 0 'a key without a profile'

make_programs 1 1003
uri=$("$signet" objects test --module "$softhsm" --json | jq -r '[.. | .uri? // empty | select(contains("id=%02;") and contains("type=public"))][0]')
sign --key "$uri" --module "$softhsm" --pin env:SIGNET_PIN files/1.exe
is "$?" 0 "a key as objects shows it: ${uri##*;}"

# Existing signatures: append keeps the first.
make_programs 1 1001
sign rsa files/1.exe && sign ec --existing append files/1.exe
is "$?" 0 'append'
good files/1.exe
is "$?" 0 'both signatures hold'
is "$("$batch" verify --ca ca.pem --json files/1.exe | grep -c '"depth"')" 2 'there are two'
printf 'x' | dd of=files/1.exe bs=1 seek=200 conv=notrunc 2>/dev/null
sign rsa files/1.exe
is "$?" 1 'a signature that does not hold is not kept'
like "$(cat said)" 'existing replace' 'and the way out is named'
good files/1.exe
is "$?" 1 'verify says so too'

# The wrong certificates.
make_profile pinned "$softhsm" 01 "certificate: sha256:$(printf 'ab%.0s' {1..32})"
sign pinned files/1.exe
is "$?" 3 'not the certificate of the profile'
purpose=serverAuth make_certificate test 02 server
openssl x509 -in 02.pem -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' >print
make_profile server "$softhsm" 02 "certificate: sha256:$(cat print)"
sign server files/1.exe
is "$?" 3 'a certificate that is not for code signing'
like "$(cat errors)" 'not for code signing' 'is named'

# With --ca, the profile's chain is no root: whoever writes a profile does not choose whom the gate trusts.
openssl req -x509 -newkey rsa:2048 -noenc -days 30 -subj '/CN=Other CA' -keyout other.key -out other.pem 2>/dev/null
print=$(openssl x509 -in 01.pem -noout -fingerprint -sha256 | sed 's/.*=//; s/://g')
make_profile gate "$softhsm" 01 "certificate: sha256:$print" "chain: [$work/ca.pem]"
make_programs 1 1000
sign gate files/1.exe
"$batch" verify --profile gate --ca other.pem files/1.exe >said 2>&1
is "$?" 1 'the root of the chain files is not trusted beside --ca'
like "$(cat said)" 'not trusted' 'and that is said'
"$batch" verify --profile gate --ca other.pem --ca ca.pem files/1.exe >/dev/null 2>&1
is "$?" 0 'it is when --ca says so'

# What the gate judges by cannot be read: that is no verdict on the files.
: >empty
for option in '--ca none.pem' '--ca empty' '--ca files' '--ca 01.pem' '--tsa-ca none.pem' '--crl none.crl' '--crl ca.pem' \
  '--at 2026-02-30' '--at 2026-04-31T00:00:00Z' '--at 2026-01-01T00:00:60Z'; do
  # shellcheck disable=SC2086
  "$batch" verify $option --json files/1.exe >said 2>errors
  is "$?/$(jq -r .error.exit said)" 2/2 "verify $option: exit 2"
  like "$(cat errors)" "${option%% *}: " 'with the name of the option'
done
like "$("$batch" verify --ca 01.pem files/1.exe 2>&1)" 'has no root in it' 'a certificate that is no root is not trusted'

# Killed in the middle: each file is whole.
make_programs 300 20000
# Not before it is under way, and long before its end.
some_signed() { # PROCESS
  touch mark
  while kill -0 "$1" && [[ $(find files -newer mark | wc -l) -lt 5 ]]; do :; done
}
touch -d '1 minute ago' files/*.exe
"$batch" sign rsa files/*.exe >/dev/null 2>&1 &
victim=$!
some_signed "$victim"
kill -9 "$victim"
wait "$victim" 2>/dev/null
is "$?" 137 'killed under way'
whole=0
for file in files/*.exe; do
  size=$(stat -c %s "$file")
  if [[ $size == $(($(stat -c %s hello.exe) + 20000)) ]] || good "$file"; then whole=$((whole + 1)); fi
done
is "$whole" 300 'after kill -9 each file is the old one or the new one'
sign rsa files/*.exe
is "$?" 0 'the same command finishes the job'
good files/*.exe
is "$?" 0 'all are good'

is "$(find . -name '.*signet*' | wc -l)" 0 'and clears away what was half-written'

make_programs 300 20000
touch -d '1 minute ago' files/*.exe
"$batch" sign rsa files/*.exe >said 2>&1 &
victim=$!
some_signed "$victim"
kill -INT "$victim"
wait "$victim"
is "$?" 130 'SIGINT: exit 130'
like "$(tail -n 1 said)" 'files were not tried, the same command goes on with them' 'what is left is told'
signed=$(grep -c '^signed' said)
sign rsa files/*.exe
is "$?/$(grep -c '^signed' said)/$(grep -c '^kept' said)" "0/$((300 - signed))/$signed" 'the same command goes on'
is "$(find . -name '.*signet*' | wc -l)" 0 'nothing half-written stays after SIGINT'

# Builds that want one token queue for it.
rm -f files/*.exe
make_programs 16 1000
for i in {1..16}; do
  "$batch" sign rsa "files/$i.exe" >"build$i" 2>&1 &
done
wait
"$batch" verify --ca "$work/ca.pem" files/*.exe >said 2>&1
status=$?
is "$status" 0 '16 processes at once: every file is signed'
[[ $status == 0 ]] || grep -hvE '^signed|^1 signed' build* said | sed 's/^/# /'
done_testing
