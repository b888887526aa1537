#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# signet doctor: each gap, by a machine that has it. It runs in namespaces of its own, so that no pcscd runs but its own,
# and the USB devices are those of a folder.
# usage: doctor.sh BUILD_FOLDER
set -uo pipefail
if [[ ${SIGNET_DOCTOR_INSIDE:-} != 1 ]]; then
  own=(unshare --mount --net --ipc --pid --fork --kill-child --mount-proc)
  [[ $(id -u) == 0 ]] || own+=(--map-root-user)
  SIGNET_DOCTOR_INSIDE=1 exec "${own[@]}" "$0" "$@"
fi
unset SIGNET_DOCTOR_INSIDE http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY SHIM_FLAGS
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"

# No pcscd, and no pkcsslotd with tokens of its own.
mount -t tmpfs tmpfs /run
mkdir /run/pcscd
ip link set lo up
shim=$build/tests/lib/shim.so
export SHIM_MODULE=$softhsm
started=()
stop_all() {
  local pid
  for pid in "${started[@]}"; do
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
  started=()
}
trap 'stop_all; rm -rf "$work"' EXIT

# look ARGUMENT…: the document in $said, the exit status in $status
look() {
  said=$("$signet" doctor --json "$@" 2>/dev/null)
  status=$?
}

# of STEP FIELD: of the last document
of() {
  python3 -c 'import json, sys
for step in json.loads(sys.argv[1])["steps"]:
    if step["step"] == sys.argv[2]: print(step.get(sys.argv[3], ""))' "$said" "$1" "$2"
}

# gap: the first one of the last document, or "none"
gap() {
  python3 -c 'import json, sys
d = json.loads(sys.argv[1])
print(d["steps"][d["gap"]]["step"] if "gap" in d else "none")
assert "gap" not in d or d.get("remedy") == d["steps"][d["gap"]].get("remedy")' "$said"
}

# plug PORT VENDOR PRODUCT [CLASS]: a device in the folder that stands for sysfs
plug() {
  local folder=$work/sys/bus/usb/devices
  mkdir -p "$folder/$1" "$folder/$1:1.0"
  echo "$2" >"$folder/$1/idVendor"
  echo "$3" >"$folder/$1/idProduct"
  echo 1 >"$folder/$1/busnum"
  echo 7 >"$folder/$1/devnum"
  echo 00 >"$folder/$1/bDeviceClass"
  echo "${4:-0b}" >"$folder/$1:1.0/bInterfaceClass"
}
unplug() { rm -rf "$work/sys"; }
export SIGNET_SYSFS=$work/sys

# SoftHSM has no token, unless the test makes one.
mkdir -p "$work/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >"$work/softhsm2.conf"
export SOFTHSM2_CONF=$work/softhsm2.conf

# Nothing at all.
look
is "$status/$(gap)" 3/usb 'no USB bus and no token: the gap is there'
like "$(of usb text)" 'virtual machine or a container' 'it is said what such a machine is'
like "$(of usb remedy)" 'usbip attach' 'and how a token gets into it'
like "$(of token text)" 'not looked at: usb' 'what stands behind it is not looked at'

# A keyboard.
plug 1-1 046d c31c 03
look
is "$status/$(gap)" 3/usb 'a bus without a token'
like "$(of usb text)" 'no signing token.*1 other' 'tells that others are there'

# SafeNet, without pcscd and without a driver.
plug 1-2 0529 0620
look
like "$(of usb text)" 'SafeNet 5110 \(0529:0620\)' 'a SafeNet token is known by its numbers'
is "$status/$(gap)" 3/pcscd 'pcscd comes first'
like "$(of pcscd remedy)" 'systemctl enable --now pcscd.socket|apt install pcscd libccid' 'with the command'
is "$(of driver state)/$(of driver text)" 'gap/A SafeNet 5110 is plugged in; its driver libeToken.so is not installed' \
  'the driver that is missing is named without pcscd and module'
like "$(of driver remedy)" 'SafeNet Authentication Client' 'and where it is to be had'
text=$("$signet" doctor 2>/dev/null)
like "$text" 'x  pcscd .*x  driver .*first gap is at pcscd' 'as text, the first gap comes last'
result "$([[ $(wc -L <<<"${text%%The first gap*}") -le 80 ]]; echo $?)" 'the steps keep to 80 columns'

# One who listens on pcscd's socket and hangs up: what polkit's refusal looks like.
python3 -c 'import os, socket
s = socket.socket(socket.AF_UNIX)
s.bind("/run/pcscd/new")
s.listen()
os.rename("/run/pcscd/new", "/run/pcscd/pcscd.comm")
while True: s.accept()[0].close()' &
started+=($!)
wait_for test -S /run/pcscd/pcscd.comm
look
is "$status/$(of pcscd state)/$(gap)" 3/ok/permission 'pcscd that hangs up refuses this user'
like "$(of permission remedy)" '/etc/polkit-1/rules.d/.*access_pcsc.*access_card.*subject.user == "[a-zA-Z0-9]+".*polkit.Result.YES' \
  'the whole rule is told'
stop_all
rm -f /run/pcscd/pcscd.comm

# pcscd that runs, and sees no reader: there is no such device in truth.
mkdir -p "$work/readers"
pcscd -f -c "$work/readers" >"$work/pcscd.log" 2>&1 &
started+=($!)
wait_for test -S /run/pcscd/pcscd.comm
mkdir -p "$work/drivers/usbfs"
ln -s "$work/drivers/usbfs" "$work/sys/bus/usb/devices/1-2:1.0/driver"
look
is "$status/$(of permission state)/$(gap)" 3/ok/reader 'a device without a reader'
like "$(of reader remedy)" 'fuser -v /dev/bus/usb/001/007|apt install libccid' 'another program, or libccid'
stop_all
rm -rf /run/pcscd/*

# A virtual reader, empty; then with a card in it.
unplug
printf '%s\n' 'FRIENDLYNAME "Virtual PCD"' 'DEVICENAME /dev/null:0x8C7B' \
  'LIBPATH /usr/lib/pcsc/drivers/serial/libifdvpcd.so' 'CHANNELID 0x8C7B' >"$work/readers/vpcd"
pcscd -f -c "$work/readers" >"$work/pcscd.log" 2>&1 &
started+=($!)
wait_for test -S /run/pcscd/pcscd.comm
look
is "$status/$(of reader state)/$(gap)" 3/ok/card 'a reader without a card'
mkdir -p "$work/card"
"$build/tests/card/piv_card" 127.0.0.1 35963 "$work/card" &
started+=($!)
# shellcheck disable=SC2317 # by wait_for
has_card() {
  look
  [[ $(of card state) == ok ]]
}
wait_for has_card
like "$(of card text)" 'PIV' 'the family of a card is told'
is "$(of driver state)" ok 'its driver is installed'
like "$(of token text)" 'PIN tries left' 'its counter is told'
is "$status/$(gap)" 3/key 'it has no key'
is "$(grep -cE '^00 20 .* [1-9][0-9]*$' "$work/card/log")" 0 'no PIN was sent to it'
result "$(grep -qE '^00 20 ' "$work/card/log"; echo $?)" 'but it was asked for its counter'
stop_all
rm -rf /run/pcscd/*

# Tokens of software.
make_token test rsa:2048
look --module "$softhsm"
is "$status/$(gap)" 0/none 'a good token has no gap'
is "$(of usb state)/$(of module state)/$(of token state)/$(of key state)/$(of certificate state)" ok/ok/ok/ok/ok \
  'and each step of it is told'
like "$(of pcscd state)/$(of driver state)" '^not looked at/not looked at$' 'what it does not need is not looked at'
is "$(of chain state)" warning 'a chain that is not complete is a warning'
like "$(of chain text)" 'Test CA' 'with the name of what is missing'
like "$(of timestamp text)" 'no profile' 'no timestamp server without a profile'
openssl x509 -in "$work/ca.pem" -outform DER -out "$work/ca.der"
token_tool test --write-object "$work/ca.der" --type cert --id 99 --label ca
look test --module "$softhsm"
is "$status/$(of chain state)" 0/ok 'a whole chain is told so'
plug 1-2 0529 0620
look test --module "$softhsm"
is "$status/$(gap)" 0/none 'another token without a driver does not matter to one that is named'
look
is "$status/$(gap)" 3/pcscd 'but it does where none is named'
unplug
look nobody --module "$softhsm"
is "$status/$(gap)" 3/token 'a name that no token has'

for flag in 10000:0:warning 20000:0:warning 40000:3:gap; do
  export SHIM_FLAGS=${flag%%:*} SHIM_LOG=$work/shim.log
  rest=${flag#*:}
  look test --module "$shim"
  is "$status/$(of token state)" "${rest/:/\/}" "flag $SHIM_FLAGS of the PIN"
  like "$(of token remedy)" 'signet (reset-counter|unblock) @1' 'with the verb that helps'
  is "$(grep -c C_Login "$SHIM_LOG")" 0 'and no login'
  unset SHIM_FLAGS SHIM_LOG
done

# Modules that do not load.
echo 'no library' >"$work/text.so"
look --module "$work/text.so"
is "$status/$(gap)" 3/module 'a module that is a text'
like "$(of module remedy)" 'no library' 'is called what it is'
look --module "$work/none.so"
is "$status/$(gap)" 3/module 'a module that is not there'
echo 'int missing(void) { return 1; }' >"$work/missing.c"
echo 'int missing(void); int C_GetFunctionList(void) { return missing(); }' >"$work/lacks.c"
gcc -shared -fPIC -o "$work/libmissing.so" "$work/missing.c" -Wl,-soname,libmissing-of-test.so.1
gcc -shared -fPIC -o "$work/lacks.so" "$work/lacks.c" "$work/libmissing.so"
look --module "$work/lacks.so"
is "$status/$(gap)" 3/module 'a module that lacks a library'
like "$(of module remedy)" 'apt-file search libmissing-of-test.so.1' 'and which one'
cp "$work/lacks.so" "$work/foreign.so"
printf '\267' | dd of="$work/foreign.so" bs=1 seek=18 conv=notrunc status=none
[[ $(uname -m) != aarch64 ]] || printf '\076' | dd of="$work/foreign.so" bs=1 seek=18 conv=notrunc status=none
look --module "$work/foreign.so"
is "$status/$(gap)" 3/module 'a module for another machine'
like "$(of module remedy)" 'The module is for (64-bit ARM|64-bit x86)' 'and which'
SHIM_CALL=C_Initialize SHIM_ACTION=abort look --module "$shim"
is "$status/$(gap)" 8/module 'a module that crashes'

# What is on the token.
make_token empty
look empty --module "$softhsm"
is "$status/$(gap)" 3/key 'a token without a key'
like "$(of key remedy)" 'signet keygen @[0-9]+ --type rsa:3072' 'how one is made'
make_token bare
token_tool bare --keypairgen --key-type rsa:2048 --label key --id 01 --usage-sign
look bare --module "$softhsm"
is "$status/$(gap)" 3/certificate 'a key without a certificate'
days=-1 make_certificate bare 01 Expired
look bare --module "$softhsm"
is "$status/$(gap)" 3/certificate 'an expired certificate'
like "$(of certificate text)" 'expired' 'is called so'
purpose=serverAuth make_certificate bare 01 Server
look bare --module "$softhsm"
is "$status/$(gap)" 3/certificate 'certificates that are expired or not for code'
make_certificate bare 01 Good
look bare --module "$softhsm"
is "$status/$(gap)" 0/none 'a good one beside them is found'
look --module "$softhsm"
like "$(of token text)" 'nearest to signing of 3' 'of several tokens, the best one is looked at'
SOFTHSM2_CONF=/dev/null look --module "$softhsm"
is "$status" 3 'a module without any token'

# Profiles, and their timestamp servers.
listen() { # a port of loopback that accepts, in $port
  : >"$work/port"
  python3 -c 'import socket, sys, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(int(sys.argv[1]))
fill = [socket.socket() for _ in range(int(sys.argv[2]))]
for one in fill:
    one.setblocking(False)
    one.connect_ex(s.getsockname())
print(s.getsockname()[1], flush=True)
time.sleep(120)' "$@" >"$work/port" &
  started+=($!)
  wait_for test -s "$work/port"
  port=$(<"$work/port")
}
make_profile plain "$softhsm" 01
look --profile plain
is "$status/$(gap)" 0/none 'a good profile'
is "$(of profile state)" warning 'the PIN that is not set is a warning: it may be set elsewhere'
like "$(of timestamp text)" 'no timestamp server' 'and no server is looked at'
listen 5 0
make_profile served "$softhsm" 01 "timestamp: {servers: [\"http://127.0.0.1:$port/tsa\"], required: false}"
look --profile served
is "$status/$(of timestamp state)" 0/ok 'a server that listens'
free=$port
stop_all
look --profile served
is "$status/$(gap)" 7/timestamp 'a server that refuses'
like "$(of timestamp text)" 'refused' 'is told so'
listen 5 0
http_proxy=127.0.0.1:$port look --profile served
is "$status/$(of timestamp state)" 0/ok 'a proxy is asked instead'
like "$(of timestamp text)" "by the proxy 127.0.0.1, port $port" 'and that is said'
http_proxy=127.0.0.1:$port no_proxy=127.0.0.1 look --profile served
is "$status/$(gap)" 7/timestamp 'but not where no_proxy names the server'
make_profile proxied "$softhsm" 01 "timestamp: {servers: [\"http://user:secret@127.0.0.1:$free/\"], proxy: \"http://127.0.0.1:$port\", required: false}"
no_proxy=127.0.0.1 look --profile proxied
is "$status/$(of timestamp state)" 0/ok 'the proxy of a profile is asked before all'
like "$(of timestamp text)" "by the proxy 127.0.0.1, port $port" 'and that is said too'
make_profile two "$softhsm" 01 "timestamp: {servers: [\"http://127.0.0.1:$free\", \"http://127.0.0.1:$port\"], required: false}"
look --profile two
is "$status/$(of timestamp state)" 0/warning 'one of two is a warning'
stop_all
listen 0 4
make_profile silent "$softhsm" 01 "timestamp: {servers: [\"http://127.0.0.1:$port/\"], required: false}"
SECONDS=0
look --profile silent
is "$status/$(gap)" 7/timestamp 'a server that does not answer'
like "$(of timestamp text)" 'no answer in time' 'is told so'
result "$([[ $SECONDS -lt 15 ]]; echo $?)" 'in a bounded time'
stop_all
make_profile lost "$softhsm" 77
look --profile lost
is "$status/$(gap)" 3/key 'a profile whose key is not there'
make_profile broken "$work/text.so" 01
look --profile broken
is "$status/$(gap)" 3/module 'a profile whose module does not load'
look test --profile plain
is "$status" 2 'a token and a profile are not named together'
look --profile none-such
is "$status" 2 'a profile that is not there'

done_testing
