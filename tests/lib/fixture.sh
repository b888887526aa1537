# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# For tests in shell: a folder, a token and a profile of their own, TAP for results. PINs in here are test PINs.
# usage: source fixture.sh BUILD_FOLDER

build=$(cd "${1:?BUILD_FOLDER}" && pwd)
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
signet=$build/tui/signet
batch=$build/profiles/signet-batch
softhsm=/usr/lib/softhsm/libsofthsm2.so
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work XDG_CONFIG_HOME=$work/config XDG_STATE_HOME=$work/state
export SIGNET_TOKEN=$build/core/host/signet-token
unset SIGNET_PIN CREDENTIALS_DIRECTORY
test_pin=test-pin-1234
test_so_pin=test-so-1234
count=0 failures=0

# result STATUS NAME: one line of TAP
result() {
  count=$((count + 1))
  if [[ $1 == 0 ]]; then
    echo "ok $count - $2"
  else
    failures=$((failures + 1))
    echo "not ok $count - $2"
  fi
}

# is GOT WANTED NAME
is() {
  local status=0
  [[ $1 == "$2" ]] || status=1
  result "$status" "$3"
  [[ $status == 0 ]] || printf '# got:    %s\n# wanted: %s\n' "$1" "$2"
}

# like TEXT PATTERN NAME: an extended regular expression
like() {
  local status=0
  [[ $1 =~ $2 ]] || status=1
  result "$status" "$3"
  [[ $status == 0 ]] || printf '# got:    %s\n# wanted: %s\n' "$1" "$2"
}

# wait_for COMMAND…: true once it succeeds; a minute at most, which is long enough for a busy machine
wait_for() {
  local end=$((SECONDS + 60))
  until "$@"; do
    if ((SECONDS > end)); then
      echo "# waited in vain: $*"
      return 1
    fi
    sleep 0.05
  done
}

done_testing() {
  echo "1..$count"
  exit $((failures > 0))
}

# make_token LABEL TYPE…: a token with a key 01, 02 … of each type (rsa:3072, EC:prime256v1), and a certificate for it by a
# CA made on the spot ($work/ca.pem)
make_token() {
  local label=$1 id=0 type
  shift
  mkdir -p "$work/tokens"
  printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >"$work/softhsm2.conf"
  export SOFTHSM2_CONF=$work/softhsm2.conf
  softhsm2-util --init-token --free --label "$label" --pin "$test_pin" --so-pin "$test_so_pin" >/dev/null
  [[ -f $work/ca.pem ]] ||
    openssl req -x509 -newkey rsa:2048 -noenc -days 3650 -subj '/CN=Test CA' -addext 'keyUsage=critical,keyCertSign' \
      -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
  for type in "$@"; do
    id=$((id + 1))
    token_tool "$label" --keypairgen --key-type "$type" --label "key$id" --id "0$id" --usage-sign
    make_certificate "$label" "0$id" "Signer $id"
  done
}

token_tool() { # LABEL ARGUMENT…
  local label=$1
  shift
  pkcs11-tool --module "$softhsm" --token-label "$label" --login --pin "$test_pin" "$@" >/dev/null 2>&1
}

# make_certificate LABEL ID NAME: $work/ID.pem, and on the token; $days (365) and $purpose (codeSigning) may be set
make_certificate() {
  local label=$1 id=$2 name=$3
  # OpenSC's tool reads no P-384 key.
  rm -f "$work/$id.pub.pem"
  "$signet" export "pkcs11:token=$label;id=%$id;type=public" --module "$softhsm" -o "$work/$id.pub.pem" >/dev/null
  openssl req -new -key "$work/ca.key" -subj "/O=Test/CN=$name" -out "$work/$id.csr"
  openssl x509 -req -in "$work/$id.csr" -force_pubkey "$work/$id.pub.pem" -CA "$work/ca.pem" -CAkey "$work/ca.key" \
    ${serial:+-set_serial "$serial"} -days "${days:-365}" -out "$work/$id.pem" 2>/dev/null -extfile <(
      printf '%s\n' 'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' \
        "extendedKeyUsage=${purpose:-codeSigning}"
    )
  openssl x509 -in "$work/$id.pem" -outform DER -out "$work/$id.der"
  token_tool "$label" --write-object "$work/$id.der" --type cert --id "$id" --label "$name"
}

# reset_by_hand TOKEN [ARGUMENT…]: a person types the PIN
reset_by_hand() {
  "$tests/lib/typed.py" 'PIN of' "$test_pin" -- "$signet" reset-counter "$@" >/dev/null 2>&1
}

# make_profile NAME MODULE ID [LINE…]: for the token `test`
make_profile() {
  local name=$1 module=$2 id=$3
  shift 3
  mkdir -p "$XDG_CONFIG_HOME/signet/profiles"
  {
    printf '%s\n' 'signet: 1' "module: $module" "key: \"pkcs11:token=test;id=%$id\"" 'pin: env:SIGNET_PIN'
    [[ $# == 0 ]] || printf '%s\n' "$@"
  } >"$XDG_CONFIG_HOME/signet/profiles/$name.yaml"
}

# make_programs COUNT BYTES: $work/files/1.exe …, all different
make_programs() {
  local i
  mkdir -p "$work/files"
  printf '#include <stdio.h>\nint main(void) { return puts("test") < 0; }\n' >"$work/hello.c"
  [[ -f $work/hello.exe ]] || x86_64-w64-mingw32-gcc -O1 -s -o "$work/hello.exe" "$work/hello.c"
  for ((i = 1; i <= $1; i++)); do
    cp "$work/hello.exe" "$work/files/$i.exe"
    [[ $2 == 0 ]] || head -c "$2" /dev/urandom >>"$work/files/$i.exe"
  done
}
