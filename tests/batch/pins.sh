#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The promise about PINs, counted by a module that is not ours: pkcs11-spy.
# usage: pins.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"

spy=$(find /usr/lib -name pkcs11-spy.so -print -quit)
export PKCS11SPY=$softhsm PKCS11SPY_OUTPUT=$work/spy.log
make_token test rsa:2048
make_profile spied "$spy" 01
make_programs 200 1000

calls() { grep -cE "^[0-9]+: $1\$" "$PKCS11SPY_OUTPUT" 2>/dev/null || true; }
good_starts() { grep -A 5 -E '^[0-9]+: C_Initialize$' "$PKCS11SPY_OUTPUT" | grep -cE '^Returned:  0 CKR_OK'; }
run() { # SECRET ARGUMENT…: output in $said, status in $status
  : >"$PKCS11SPY_OUTPUT"
  local secret=$1
  shift
  said=$(SIGNET_PIN=$secret "$batch" sign spied "$@" 2>&1)
  status=$?
}

run "$test_pin" "$work"/files/*.exe
is "$status" 0 '200 files are signed'
is "$(good_starts)" 1 'one successful C_Initialize'
is "$(calls C_Login)" 1 'one C_Login'
is "$(calls C_Sign)" 200 '200 C_Sign'

run "$test_pin" "$work"/files/*.exe
is "$status/$(calls C_Login)" 0/0 'what is signed already needs no login'

# Nor a PIN source; but where a file is not signed, a missing one is said before any other is looked at.
bare() { # ARGUMENT…: without $SIGNET_PIN
  : >"$PKCS11SPY_OUTPUT"
  said=$("$batch" sign spied "$@" 2>&1)
  status=$?
}
bare "$work"/files/*.exe
is "$status/$(grep -c '^kept' <<<"$said")/$(calls C_Login)" 0/200/0 'nor that the PIN source is there'
mkdir "$work/more"
cp "$work/hello.exe" "$work/more/last.exe"
bare "$work"/files/*.exe "$work/more/last.exe"
is "$status/$(grep -cE '^(kept|signed|failed|not-tried)' <<<"$said")/$(calls C_Login)" 2/0/0 'one file that is not signed: it must be'
like "$said" 'env:SIGNET_PIN' 'and is named'
cmp -s "$work/hello.exe" "$work/more/last.exe"
is "$?" 0 'and the file stays'
bare "$work/files/1.exe" "$work/nowhere.exe" "$work/hello.c"
is "$status/$(grep -cE '^(kept|failed)' <<<"$said")" 1/3 'what cannot be signed needs none either'
run "$test_pin" -o "$work/out" "$work"/more/last.exe
bare -o "$work/out" "$work"/more/last.exe
is "$status/$(grep -c '^kept' <<<"$said")" 0/1 'what stands signed in the output folder needs none'
bare -o "$work/out" --description Another "$work"/more/last.exe
is "$status/$(calls C_Login)" 2/0 'unless it is another signature that is wanted'
is "$("$batch" verify --json "$work/out/last.exe" 2>/dev/null | jq -c '[.files[0].signatures[].description]')" '[null]' \
  'and that stays as it is'
"$batch" digest "$work/more/last.exe" -o "$work/digests.json" >/dev/null
bare --digests "$work/digests.json" -o "$work/signatures.json"
is "$status/$(ls "$work/signatures.json" 2>/dev/null)" 2/ 'a digest that is not signed: it must be there'
run "$test_pin" --digests "$work/digests.json" -o "$work/signatures.json"
bare --digests "$work/digests.json" -o "$work/signatures.json"
is "$status/$(grep -c '^kept' <<<"$said")" 0/1 'one that is signed needs none'

# A build has nobody to ask: check knows that before sign does.
for verb in 'check spied' "sign spied --existing replace $work/files/1.exe"; do
  # shellcheck disable=SC2086
  said=$(setsid --wait "$batch" $verb --pin prompt 2>&1)
  is "$?" 2 "${verb%% *} with a prompt and no terminal: exit 2"
  like "$said" 'prompt: nobody is here.*another source' 'and what to do'
done

# shellcheck disable=SC2016
for bad in '' ' 1234' $'1234\r' '$SIGNET_PIN' '${PIN}' '%PIN%' 12; do
  run "$bad" --existing replace "$work/files/1.exe"
  is "$status/$(calls C_Login)" 2/0 "PIN '$bad' is not tried"
  SIGNET_PIN=$bad "$batch" check spied >/dev/null 2>&1
  is "$?" 2 'which check knows'
  (umask 077 && printf '%s' "$bad" >"$work/bad.pin")
  said=$("$batch" check spied --pin "file:$work/bad.pin" 2>&1)
  is "$?/$(grep -c "$test_pin" <<<"$said")" 2/0 'of a file, too'
done
: >"$PKCS11SPY_OUTPUT"
"$batch" sign spied --existing replace "$work/files/1.exe" >/dev/null 2>&1
is "$?/$(calls C_Login)" 2/0 'an unset variable is not tried'
said=$("$batch" sign spied --pin 987654 "$work/files/1.exe" 2>&1)
is "$?" 2 'a PIN as an argument is refused'
like "$said" 'history' 'and it is said where it is now'
result "$([[ $said != *987654* ]]; echo $?)" 'and it is not repeated'

before=$(sha256sum "$work"/files/*.exe)
run wrong-pin --existing replace "$work"/files/*.exe
is "$status/$(calls C_Login)" 4/1 'a wrong PIN: exit 4, one C_Login for 200 files'
like "$said" 'at least one try is lost' 'the tries left are told as far as known'
result "$([[ $(sha256sum "$work"/files/*.exe) == "$before" ]]; echo $?)" 'no file was touched'

run "$test_pin" --existing replace "$work/files/1.exe"
is "$status/$(calls C_Login)" 5/0 'the next run does not try, whatever the PIN'
export XDG_STATE_HOME=$work/other
run "$test_pin" --existing replace "$work/files/1.exe"
is "$status/$(calls C_Login)" 5/0 'nor does one with another state folder: the token remembers'
export XDG_STATE_HOME=$work/state
SIGNET_PIN=$test_pin "$batch" check spied >/dev/null 2>&1
is "$?/$(calls C_Login)" 5/0 'check knows it without a try'
run "$test_pin" "$work/files/1.exe"
is "$status/$(calls C_Login)" 0/0 'what is signed already is still kept'

# Only a PIN that is typed tells of a person.
: >"$PKCS11SPY_OUTPUT"
for verb in "change-pin test --module $spy --new-pin env:NEW" 'pin store spied --yes' "objects test --login --module $spy"; do
  # shellcheck disable=SC2086
  NEW=test-pin-5678 SIGNET_PIN=$test_pin "$signet" $verb --pin env:SIGNET_PIN >/dev/null 2>&1
  is "$?/$(calls C_Login)/$(calls C_SetPIN)" 5/0/0 "after a refusal, ${verb%% --*} does not try what nobody typed"
done
SIGNET_PIN=wrong-pin "$signet" reset-counter test --module "$spy" --pin env:SIGNET_PIN >/dev/null 2>&1
is "$?/$(calls C_Login)" 4/1 'reset-counter does'
said=$(SIGNET_PIN=wrong-pin "$signet" reset-counter test --module "$spy" --pin env:SIGNET_PIN 2>&1)
is "$?/$(calls C_Login)" 5/1 'once'
like "$said" 'pin prompt' 'then it wants a person'
result "$(grep -q '"outcome":"begun".*"actor":"reset"' "$XDG_STATE_HOME/signet/audit.log"; echo $?)" 'the audit log tells who asked, before the attempt'
reset_by_hand test --module "$spy"
is "$?" 0 'a person logs in'
run "$test_pin" --existing replace "$work/files/1.exe"
is "$status/$(calls C_Login)" 0/1 'then builds go on'

log=$XDG_STATE_HOME/signet/audit.log
is "$(grep '"outcome":"refused"' "$log" | grep -c '"actor":"headless"')" 1 'the refusal is in the audit log'
like "$(grep -c '"outcome":"forbidden"' "$log")" '[1-9]' 'and so is what was not tried'
result "$(! grep -qE "$test_pin|wrong-pin" -r "$XDG_STATE_HOME"; echo $?)" 'no PIN stands in any state file'

# The last try, by the flags that the shim adds.
shim=$build/tests/lib/shim.so
export SHIM_LOG=$work/shim.log
make_profile flagged "$shim" 01
for flag in 10000:COUNT_LOW 20000:FINAL_TRY 40000:LOCKED; do
  : >"$SHIM_LOG"
  SHIM_FLAGS=${flag%:*} SIGNET_PIN=$test_pin "$batch" sign flagged --existing replace "$work/files/1.exe" >/dev/null 2>&1
  is "$?/$(grep -c C_Login "$SHIM_LOG")" 5/0 "unattended, ${flag#*:} stops before C_Login"
done
SHIM_FLAGS=20000 SIGNET_PIN=$test_pin setsid "$signet" reset-counter test --module "$shim" --pin env:SIGNET_PIN --yes >/dev/null 2>&1 </dev/null
is "$?/$(grep -c C_Login "$SHIM_LOG")" 5/0 'the last try needs a terminal; --yes does not answer'

# A vendor's figures are exact, and count before the flags do.
safenet() { # FIGURES PROFILE
  : >"$SHIM_LOG"
  said=$(SHIM_SAFENET=$1 SIGNET_PIN=$test_pin "$batch" sign "$2" --existing replace "$work/files/1.exe" 2>&1)
  status=$?
}
make_profile fourteen "$shim" 01 'tries-left: 14'
safenet '15/15 10/10 3/3' flagged
is "$status/$(grep -c C_Login "$SHIM_LOG")" 0/1 'all tries are there: it signs'
safenet '14/15 10/10 3/3' flagged
is "$status/$(grep -c C_Login "$SHIM_LOG")" 5/0 'one is missing: no try'
like "$said" '14 of 15 tries left' 'the figures are told'
safenet '' flagged
is "$status/$(grep -c C_Login "$SHIM_LOG")" 5/0 'nor when nothing tells them any more'
like "$said" '14 of 15 tries left .* when last read, 20' 'what was told last is said'
like "$(SHIM_SAFENET='15/15 10/10 3/3' SIGNET_PIN=$test_pin "$batch" check flagged)" '15 of 15 left .vendor attribute' 'and by check'
safenet '14/15 10/10 3/3' fourteen
is "$status/$(grep -c C_Login "$SHIM_LOG")" 0/1 'a profile may allow it'
safenet '13/15 10/10 3/3' fourteen
is "$status/$(grep -c C_Login "$SHIM_LOG")" 5/0 'and no more than it says'
make_profile two "$shim" 01 'tries-left: 2'
safenet '1/15 10/10 3/3' two
is "$status/$(grep -c C_Login "$SHIM_LOG")" 5/0 'the last try is never made unattended'

# An attempt that is cut off stands in the audit log all the same.
lines() { wc -l <"$log"; }
before_lines=$(lines)
: >"$SHIM_LOG"
SHIM_SAFENET='15/15 10/10 3/3' SHIM_CALL=C_Login SHIM_ACTION=hang SIGNET_PIN=$test_pin "$batch" sign flagged \
  --existing replace "$work/files/1.exe" >/dev/null 2>&1 &
cut=$!
wait_for grep -q C_Login "$SHIM_LOG"
kill -KILL "$cut"
wait "$cut" 2>/dev/null
is "$(($(lines) - before_lines))" 1 'a login that was cut off is one line'
like "$(tail -n 1 "$log")" '"outcome":"begun"' 'that says so'
SIGNET_PIN=$test_pin "$batch" sign flagged --existing replace "$work/files/1.exe" >/dev/null 2>&1
is "$?" 5 'and counts as refused'
reset_by_hand test --module "$shim"

# pin store and change-pin.
make_profile stored "$softhsm" 01
SIGNET_PIN=$test_pin "$signet" pin store stored --pin env:SIGNET_PIN >/dev/null 2>&1
is "$?/$(stat -c %a "$XDG_CONFIG_HOME/signet/pins/stored.pin")" 0/600 'pin store proves the PIN and keeps it 0600'
"$batch" sign stored --existing replace "$work/files/1.exe" >/dev/null 2>&1
is "$?" 0 'the profile uses it'
chmod 644 "$XDG_CONFIG_HOME/signet/pins/stored.pin"
chmod 755 "$work" "$XDG_CONFIG_HOME/signet/pins"
said=$("$batch" sign stored --existing replace "$work/files/1.exe" 2>&1)
is "$?" 2 'a PIN file that others can read is refused'
like "$said" 'chmod go-rwx' 'with the chmod'
chmod 600 "$XDG_CONFIG_HOME/signet/pins/stored.pin"
OLD=$test_pin NEW=test-pin-5678 "$signet" change-pin test --module "$softhsm" --pin env:OLD --new-pin env:NEW >/dev/null 2>&1
is "$?" 0 'change-pin'
SIGNET_PIN=test-pin-5678 "$batch" check spied --trial >/dev/null 2>&1
is "$?" 0 'the new PIN logs in'

# A reader with keys of its own: no PIN comes near us.
make_token pad rsa:2048
export SHIM_PINPAD=$test_pin
: >"$SHIM_LOG"
said=$(setsid "$signet" reset-counter pad --module "$shim" 2>&1 </dev/null)
is "$?/$(grep -c C_Login "$SHIM_LOG")" 0/1 'reset-counter: the PIN is typed at the reader'
like "$said" 'type the PIN at the reader' 'and that is said'
printf '%s\n' 'signet: 1' "module: $shim" 'key: "pkcs11:token=pad;id=%01"' >"$XDG_CONFIG_HOME/signet/profiles/pad.yaml"
make_programs 3 1000
setsid "$batch" sign pad "$work"/files/[123].exe >/dev/null 2>&1 </dev/null
is "$?/$(grep -c C_Login "$SHIM_LOG")" 0/2 'sign: once for three files'
SIGNET_PIN=$test_pin setsid "$signet" pin store pad >/dev/null 2>&1 </dev/null
is "$?" 2 'such a PIN cannot be stored'
setsid "$signet" change-pin pad --module "$shim" >/dev/null 2>&1 </dev/null
is "$?" 0 'change-pin: both are typed at the reader'
SHIM_PINPAD=${test_pin}9 setsid "$signet" reset-counter pad --module "$shim" >/dev/null 2>&1 </dev/null
is "$?" 0 'and the new one holds'
: >"$SHIM_LOG"
setsid "$batch" sign pad --existing replace "$work/files/1.exe" >/dev/null 2>&1 </dev/null
is "$?/$(grep -c C_Login "$SHIM_LOG")" 4/1 'a wrong one typed there is one try'
setsid "$batch" sign pad --existing replace "$work/files/1.exe" >/dev/null 2>&1 </dev/null
is "$?/$(grep -c C_Login "$SHIM_LOG")" 5/1 'and nothing unattended tries again'
unset SHIM_PINPAD

# A key that wants a login for each signature gets the same PIN each time, and a login that got no answer ends it.
export SIGNET_PIN=test-pin-5678 test_pin=test-pin-5678
token_tool test --keypairgen --key-type rsa:2048 --label always --id 07 --usage-sign --always-auth
make_certificate test 07 'Always'
make_profile always "$shim" 07
make_programs 3 1000
: >"$SHIM_LOG"
said=$("$batch" sign always -v "$work"/files/[123].exe 2>&1)
is "$?/$(grep -c C_Login "$SHIM_LOG")" 0/4 'always-authenticate: a login, and one for each of three signatures'
like "$said" 'wants a login for each signature' '--verbose says so'
make_programs 3 1000
: >"$SHIM_LOG"
SHIM_CALL=C_Sign SHIM_ACTION=0x30 SHIM_AFTER=1 SHIM_ONCE=$work/once-sign "$batch" sign always "$work"/files/[123].exe >/dev/null 2>&1
is "$?/$(grep -c C_Login "$SHIM_LOG")" 0/6 'a C_Sign that fails after its login is no refused PIN: a fresh host goes on'
make_programs 3 1000
: >"$SHIM_LOG"
SHIM_CALL=C_Login SHIM_ACTION=abort SHIM_AFTER=2 "$batch" sign always "$work"/files/[123].exe >/dev/null 2>&1
is "$?/$(grep -c C_Login "$SHIM_LOG")" 8/3 'a crash in a later login: it is not made again'
: >"$SHIM_LOG"
"$batch" sign always "$work"/files/[123].exe >/dev/null 2>&1
is "$?/$(grep -c C_Login "$SHIM_LOG")" 5/0 'nor by the next run'

# A PIN in a URI is refused, and in no message.
for uri in 'pkcs11:token=test;id=%01?pin-value=87654321' 'pkcs11:token=test;pin-value=87654321' \
  'pkcs11:token=test?pin-source=file:/87654321'; do
  said=$("$batch" sign --key "$uri" "$work/files/1.exe" --json 2>&1)
  is "$?/$(grep -c 87654321 <<<"$said")" 2/0 "$uri: refused, and not repeated"
  like "$said" '--key should be .* without a PIN' 'and why'
done
done_testing
