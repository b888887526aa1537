#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What kill -9 leaves between a file's hidden name and its rename, and who clears it away.
# usage: left.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/tsa.sh
source "$tests/lib/tsa.sh"

make_token test rsa:2048
tsa_start || exit 1
make_profile rsa "$softhsm" 01
export SIGNET_PIN=$test_pin
cd "$work" || exit

good() { "$batch" verify --ca "$work/ca.pem" --tsa-ca "$tsa_root" "$@" >/dev/null 2>&1; }
hidden() { find . -name '.*signet*' | sort | tr '\n' ' '; }

# hold ARGUMENT…: signet-batch is about to rename the new 1.exe; $held is it, $holder who holds it
hold() {
  : >told
  "$build/tests/batch/hold_rename" files/.1.exe.signet-1 "$batch" "$@" >told 2>&1 &
  holder=$!
  while kill -0 "$holder" 2>/dev/null && ! grep -q '^held' told; do sleep 0.02; done
  held=$(sed -n 's/^held //p' told)
  [[ -n $held ]] || sed 's/^/# /' told
}

# killed NAME ARGUMENT…: kill -9 in that very moment, and the same command once more
killed() {
  local name=$1
  shift
  cp files/1.exe before
  hold "$@"
  is "$(hidden)" './files/.1.exe.signet-1 ' "$name: the new file stands beside the old one"
  kill -9 "$held"
  wait "$holder"
  is "$?/$(cmp before files/1.exe && echo old)/$(hidden)" '137/old/./files/.1.exe.signet-1 ' "$name: and stays after kill -9"
  "$batch" "$@" >said 2>&1
  is "$?/$(hidden)" 0/ "$name: the next run clears it away"
}

make_programs 1 1000
cp files/1.exe plain
killed sign sign rsa files/1.exe
good files/1.exe
is "$?" 0 'and the file is signed'
killed timestamp timestamp --server "$tsa_url/good" files/1.exe
is "$("$batch" verify --ca ca.pem --tsa-ca "$tsa_root" --json files/1.exe | jq '.files[0].signatures[0].timestamps | length')" 1 \
  'and the file has its timestamp'
"$batch" extract files/1.exe -o signature.der >/dev/null
killed remove remove files/1.exe
cmp -s files/1.exe plain
is "$?" 0 'and the file is as it was before it was signed'
killed attach attach --signature signature.der files/1.exe
good files/1.exe
is "$?" 0 'and the file is signed again'

# One that lives is left alone, and nobody waits for it.
cp plain files/1.exe
hold attach --signature signature.der files/1.exe
"$batch" attach --signature signature.der files/1.exe >said 2>&1
is "$?/$(hidden)" '0/./files/.1.exe.signet-1 ' 'a file that another process is about to rename stays'
good files/1.exe
is "$?" 0 'and the file is signed meanwhile'
kill -9 "$held"
wait "$holder"
"$batch" sign rsa files/1.exe >said 2>&1
is "$?/$(grep -c '^kept' said)/$(hidden)" 0/1/ 'after it is killed, a run that keeps the file clears it away, too'

# Nor is anything taken that only has the name.
cp plain files/1.exe
echo precious >files/precious
ln -s precious files/.1.exe.signet-1
mkdir files/.1.exe.signet-2
"$batch" sign rsa files/1.exe >said 2>&1
is "$?/$(readlink files/.1.exe.signet-1)/$(cat files/precious)" 0/precious/precious 'a link is neither followed nor removed'
result "$([[ -d files/.1.exe.signet-2 ]]; echo $?)" 'nor is a folder'
rm -r files/.1.exe.signet-*
: >files/.1.exe.signet-1
: >files/.2.exe.signet-1
"$batch" sign rsa --dry-run --existing replace files/1.exe >said 2>&1
is "$?/$(hidden)" '0/./files/.1.exe.signet-1 ./files/.2.exe.signet-1 ' 'a dry run clears nothing away'
"$batch" sign rsa files/1.exe >said 2>&1
is "$?/$(hidden)" '0/./files/.2.exe.signet-1 ' "another file's stays until that is written"
done_testing
