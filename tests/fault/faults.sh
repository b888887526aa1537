#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A module that aborts, hangs for ever, or answers after ten seconds, in each call: every verb and a running batch end with a
# clear message or recover, within the deadline, and no try of a PIN is made twice.
# usage: faults.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"

shim=$build/tests/lib/shim.so
# Seconds until a case must have ended: the deadline of what the call is made in, and some for a busy machine. A signature that
# hangs is asked for once more, of a fresh host.
declare -A longest=([C_Initialize]=45 [C_OpenSession]=75 [C_Login]=75 [C_Sign]=135)
make_token test rsa:2048
make_profile faulty "$shim" 01
make_programs 3 1000
export SIGNET_PIN=$test_pin

# Each case runs in a state folder, on a token and with a log of its own, several at once: one that logs in must not change
# what another reads. Its line of results goes to a file.
case_run() { # NAME CALL ACTION COMMAND…
  local name=$1 call=$2 action=$3 status started took logins
  shift 3
  mkdir -p "$work/cases"
  export SOFTHSM2_CONF=$work/cases/$name.conf
  cp -R "$work/tokens" "$work/cases/$name.tokens"
  sed "s|$work/tokens|$work/cases/$name.tokens|" "$work/softhsm2.conf" >"$SOFTHSM2_CONF"
  export XDG_STATE_HOME=$work/cases/$name.state SHIM_LOG=$work/cases/$name.log
  : >"$SHIM_LOG"
  started=$SECONDS
  SHIM_CALL=$call SHIM_ACTION=$action timeout 150 "$@" >"$work/cases/$name.said" 2>&1 </dev/null
  status=$?
  took=$((SECONDS - started))
  logins=$(grep -c '^C_Login$' "$SHIM_LOG")
  echo "$name $status $took $logins" >"$work/cases/$name.result"
}

verb_cases() { # CALL ACTION: the verbs that read, and those that log in
  local call=$1 action=$2
  case_run "tokens-$call-$action" "$call" "$action" "$signet" tokens --module "$shim" &
  case_run "objects-$call-$action" "$call" "$action" "$signet" objects test --module "$shim" &
  case_run "show-$call-$action" "$call" "$action" "$signet" show 'pkcs11:token=test;id=%01' --module "$shim" &
  case_run "export-$call-$action" "$call" "$action" "$signet" export 'pkcs11:token=test;id=%01' --module "$shim" &
  case_run "reset-$call-$action" "$call" "$action" "$signet" reset-counter test --module "$shim" --pin env:SIGNET_PIN &
  case_run "new-$call-$action" "$call" "$action" "$signet" profile new n --token test --module "$shim" --file "$work/$call$action.yaml" --yes &
  case_run "check-$call-$action" "$call" "$action" "$batch" check faulty --trial &
  cp "$work/files/1.exe" "$work/$call-$action.exe"
  case_run "sign-$call-$action" "$call" "$action" "$batch" sign faulty "$work/$call-$action.exe" &
  wait
}

for call in C_Initialize C_GetSlotList C_GetTokenInfo C_OpenSession C_FindObjectsInit C_GetAttributeValue C_Login C_SignInit C_Sign; do
  verb_cases "$call" abort
done
for call in C_GetSlotList C_GetMechanismList C_FindObjects C_GetAttributeValue; do
  verb_cases "$call" lie
done
# What hangs takes its deadline: all at once.
for call in C_Initialize C_GetSlotList C_OpenSession C_Login C_Sign; do
  verb_cases "$call" hang &
done
for call in C_GetSlotList C_Sign; do
  verb_cases "$call" delay &
done
wait

total=0
for file in "$work"/cases/*.result; do
  read -r name status took logins <"$file"
  total=$((total + 1))
  good=0
  # 0: the call is not used, or it was only late, or recovery worked; otherwise a status of ours, never a signal or a timeout.
  [[ $status =~ ^(0|1|2|3|4|5|6|8)$ ]] || good=1
  call=${name#*-}
  [[ $took -le ${longest[${call%-*}]:-25} ]] || good=1
  # A login that got no answer is not made again; a fresh host after a lost session makes one more, after a CKR_OK.
  if [[ $name == *-C_Login-* ]]; then [[ $logins -le 1 ]] || good=1; else [[ $logins -le 4 ]] || good=1; fi
  # A failure says something about the module or the token.
  if [[ $status != 0 ]]; then grep -qE 'shim\.so|token|module|login|certificate' "$work/cases/$name.said" || good=1; fi
  result "$good" "$name: exit $status after $took s, $logins C_Login"
  [[ $good == 0 ]] || sed 's/^/# /' "$work/cases/$name.said"
done
result "$([[ $total -ge 150 ]]; echo $?)" "$total cases were run"

status_of() { cut -d' ' -f2 "$work/cases/$1.result"; }
is "$(status_of tokens-C_Initialize-abort)" 8 'a module that crashes in C_Initialize: exit 8'
is "$(status_of tokens-C_Initialize-hang)" 8 'a module that hangs in C_Initialize: exit 8'
is "$(status_of sign-C_Login-abort)" 8 'a crash in C_Login: exit 8'
is "$(status_of sign-C_Login-hang)" 8 'a hang in C_Login: exit 8'
like "$(cat "$work/cases/sign-C_Login-abort.said")" 'counts as refused' 'and it counts as refused'

# Afterwards nothing is tried unattended, with the state that the crash left.
export XDG_STATE_HOME=$work/cases/sign-C_Login-abort.state SHIM_LOG=$work/after.log
: >"$SHIM_LOG"
"$batch" sign faulty "$work/files/1.exe" >/dev/null 2>&1
is "$?/$(grep -c '^C_Login$' "$SHIM_LOG")" 5/0 'after that no try is made unattended'

# Recovery: the host dies once, in the middle of a batch.
export XDG_STATE_HOME=$work/recovery
for action in abort 0x30 0xb3; do
  : >"$SHIM_LOG"
  make_programs 3 1000
  SHIM_CALL=C_Sign SHIM_ACTION=$action SHIM_AFTER=1 SHIM_ONCE=$work/once-$action "$batch" sign faulty "$work"/files/*.exe >"$work/said" 2>&1
  like "$?: $(cat "$work/said")" '^0:' "C_Sign $action once: every file is signed"
  is "$(grep -c '^C_Login$' "$SHIM_LOG")" 2 'with one login of a fresh host'
done

# A token that another process is writing looks wrong for a moment; one that stays so is not logged in to.
export XDG_STATE_HOME=$work/settling SHIM_CALL=C_GetTokenInfo SHIM_ACTION=lie
for after in 0 1 2 3; do
  make_programs 1 1000
  SHIM_AFTER=$after SHIM_ONCE=$work/once-$after "$batch" sign faulty "$work/files/1.exe" >"$work/said" 2>&1
  like "$?: $(cat "$work/said")" '^0:' "a token half written at reading $((after + 1)) is read again"
  : >"$SHIM_LOG"
  make_programs 1 1000
  SHIM_AFTER=$after "$batch" sign faulty "$work/files/1.exe" >"$work/said" 2>&1
  is "$?/$(grep -c '^C_Login$' "$SHIM_LOG")" 3/0 "one that stays so from reading $((after + 1)) on is not tried"
done
unset SHIM_CALL SHIM_ACTION

# A module that cannot be used leaves the others working.
mkdir -p "$work/bin"
said=$(SHIM_CALL=C_Initialize SHIM_ACTION=abort SHIM_LOG=/dev/null "$signet" tokens --module "$shim" --module "$softhsm" 2>&1)
is "$?" 0 'one module crashes, another works'
like "$said" 'cannot be used: .*crashed while loading' 'the crash is told'
like "$said" '@1  test' 'and the token of the other is there'
done_testing
