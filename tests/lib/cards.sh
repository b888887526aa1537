# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# For tests with cards: pcscd and its virtual readers, in namespaces of the test's own, and our PIV card in them. Source it
# after fixture.sh and before all else: it starts the test anew inside. Everything in there ends with the test.
# usage: [reader_name=NAME] source cards.sh   (with the test's arguments)

# shellcheck disable=SC2154  # from fixture.sh
if [[ -z ${INSIDE:-} ]]; then
  rm -rf "$work"
  inside=(unshare --mount --net --ipc --pid --fork --kill-child --mount-proc)
  [[ $(id -u) == 0 ]] || inside+=(--map-root-user)
  INSIDE=1 exec "${inside[@]}" "$0" "$@"
fi
unset INSIDE

# pcscd's socket has its place compiled in. The readers listen on every address there is: here, on loopback alone.
mount -t tmpfs tmpfs /run
mkdir -p /run/pcscd
ip link set lo up
# The reader sends length and command apart. Without this, a card that acknowledges late takes 43 ms for each.
for address in 127.0.0.0/8 127.0.0.1; do
  ip route replace local "$address" dev lo table local proto kernel scope host src 127.0.0.1 quickack 1
done

opensc=$(find /usr/lib -name opensc-pkcs11.so -path '*x86_64*' -o -name opensc-pkcs11.so | head -n 1)
piv_card=$build/tests/card/piv_card
friendly=${reader_name:-Virtual PCD}
reader="$friendly 00 00"
pcscd_pid='' card_pid=''
trap 'stop_all; rm -rf "$work"' EXIT

stop() { # PID
  [[ -n $1 ]] || return 0
  kill "$1" 2>/dev/null
  wait "$1" 2>/dev/null
  return 0
}

stop_all() {
  stop "$card_pid"
  stop "$pcscd_pid"
}

is_listening() { [[ -n $(ss -Hltn 'sport = :35963') && -S /run/pcscd/pcscd.comm ]]; }

# start_pcscd: with two virtual readers named $friendly; each command to a card is in $work/pcscd.log
start_pcscd() {
  mkdir -p "$work/readers"
  printf '%s\n' "FRIENDLYNAME \"$friendly\"" 'DEVICENAME /dev/null:0x8C7B' \
    'LIBPATH /usr/lib/pcsc/drivers/serial/libifdvpcd.so' 'CHANNELID 0x8C7B' >"$work/readers/vpcd"
  pcscd -f -i -a -c "$work/readers" >>"$work/pcscd.log" 2>&1 &
  pcscd_pid=$!
  wait_for is_listening
}

stop_pcscd() {
  stop "$pcscd_pid"
  pcscd_pid=''
  rm -f /run/pcscd/pcscd.comm /run/pcscd/pcscd.pid
}

has_card() { opensc-tool -l 2>/dev/null | grep -qE "^0 +$1 "; }

# insert FOLDER: puts the card into the first reader, and waits until it is seen
insert() {
  "$piv_card" 127.0.0.1 35963 "$1" 2>>"$work/card.err" &
  card_pid=$!
  wait_for has_card Yes
}

is_over() { ! kill -0 "$card_pid" 2>/dev/null; }

# gone: the card that pulled itself out is waited for
gone() {
  [[ -z $card_pid ]] || wait_for is_over || stop "$card_pid"
  card_pid=''
  wait_for has_card No
}

# pull: takes it out, and waits until that is seen
pull() {
  stop "$card_pid"
  card_pid=''
  gone
}

# make_card FOLDER [VERSION]: PIN 123456 and PUK 12345678, as they leave the factory; with a version, it is a YubiKey
make_card() {
  mkdir -p "$1"
  printf 123456 >"$1/pin"
  printf 12345678 >"$1/puk"
  : >"$1/log"
  # The card holder unique identifier: a GUID, and the end (SP 800-73-4 part 1, table 9).
  xxd -r -p <<<"3019d4e739da739ced39ce739d836858210842108421c84210c3eb3410$(head -c 16 /dev/urandom | xxd -p)350832303330303130313e00fe00" \
    >"$1/5fc102.object"
  [[ -z ${2:-} ]] || printf '%s' "$2" >"$1/version"
}

make_test_ca() {
  [[ -f $work/ca.pem ]] ||
    openssl req -x509 -newkey rsa:2048 -noenc -days 3650 -subj '/CN=Test CA' -addext 'keyUsage=critical,keyCertSign' \
      -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
}

# certify PUBLIC_KEY NAME OUT: a code-signing certificate in DER by the test's CA
certify() {
  make_test_ca
  openssl req -new -key "$work/ca.key" -subj "/O=Test/CN=$2" -out "$work/request.csr"
  openssl x509 -req -in "$work/request.csr" -force_pubkey "$1" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days 365 \
    -outform DER -out "$3" 2>/dev/null -extfile <(printf '%s\n' 'basicConstraints=critical,CA:FALSE' \
      'keyUsage=critical,digitalSignature' 'extendedKeyUsage=codeSigning')
}

# make_card_key FOLDER SLOT TYPE: rsa:2048, rsa:3072, P-256 or P-384, with a certificate
make_card_key() {
  local folder=$1 slot=$2 kind=(EC -pkeyopt "ec_paramgen_curve:$3")
  [[ $3 != rsa:* ]] || kind=(RSA -pkeyopt "rsa_keygen_bits:${3#rsa:}")
  openssl genpkey -algorithm "${kind[@]}" -out "$folder/$slot.key" 2>/dev/null
  openssl pkey -in "$folder/$slot.key" -pubout -out "$work/public.pem"
  certify "$work/public.pem" "Signer $slot" "$folder/$slot.der"
}

# verifies FOLDER: how many VERIFY commands carried a PIN, as the card saw it
verifies() { grep -cE '^.. 20 .. .. [1-9]' "$1/log" || true; }

# commands FOLDER: how many commands the card saw
commands() { wc -l <"$1/log"; }

# seen_verifies: how many VERIFY commands with data pcscd sent, an independent count
seen_verifies() { grep -cE 'APDU: 00 20 00 .. 0[1-9]' "$work/pcscd.log" || true; }

# state FOLDER: the card's memory, without the record of commands
state() { (cd "$1" && find . -type f ! -name log -exec sha256sum {} + | sort -k 2); }

# apdu HEX…: the answer's status word, by a program that is not ours
apdu() {
  local command arguments=()
  for command in "$@"; do arguments+=(-s "$command"); done
  opensc-tool -r 0 "${arguments[@]}" 2>&1 | sed -nE 's/^Received \(SW1=0x(..), SW2=0x(..)\).*/\1\2/p'
}
