#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The whole path of an order: a token that is not there yet, its key, the request, the CA, the certificate, a profile, a
# signed program. Programs that are not ours judge each step.
# usage: order.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "${1:?usage: order.sh BUILD_FOLDER}"
# shellcheck source=../lib/authority.sh
source "$tests/lib/authority.sh"
make_authority
mkdir -p "$work/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >"$work/softhsm2.conf"
export SOFTHSM2_CONF=$work/softhsm2.conf SIGNET_PIN=$test_pin SO_PIN=$test_so_pin
make_programs 1 1000
cd "$work" || exit 1

# run VERB…: on SoftHSM; status in $status
run() {
  "$signet" "$@" --module "$softhsm" >said.txt 2>&1 </dev/null
  status=$?
  [[ $status == 0 ]] || sed 's/^/# /' said.txt
}

# path TYPE KEY: from the key to the signed program
path() {
  local type=$1 name=${1//:/-} uri
  run keygen release --type "$type" --label "$name" --pin env:SIGNET_PIN
  is "$status" 0 "$type: a key"
  uri=$("$signet" objects release --module "$softhsm" --login --pin env:SIGNET_PIN --json |
    jq -r --arg named "$name" '.objects[] | select(.label == $named and .class == "private-key") | .uri')
  run csr "$uri" --subject 'C=DE, ST=Berlin, L=Berlin, O=Test, CN=Test' -o "$name.csr" --order "order-$name" --pin env:SIGNET_PIN
  is "$status" 0 "$type: a request"
  openssl req -in "$name.csr" -noout -verify >judge.txt 2>&1
  is "$?" 0 "$type: openssl finds the request good"
  cmp -s "$name.csr" "order-$name/csr.pem"
  is "$?" 0 "$type: and it lies in the order's folder"
  answer "$name.csr" "$name.pem"
  openssl crl2pkcs7 -nocrl -certfile "$name.pem" -certfile root.pem -certfile issuing.pem -out "$name.p7b"
  run import release "$name.p7b" --profile "$name"
  is "$status" 0 "$type: the certificate beside its key, and a profile"
  sed -i '$a pin: env:SIGNET_PIN' "$XDG_CONFIG_HOME/signet/profiles/$name.yaml"
  "$batch" check "$name" >said.txt 2>&1
  is "$?" 0 "$type: the profile has all that it needs"
  "$batch" sign "$name" --yes --existing replace files/1.exe >said.txt 2>&1
  is "$?" 0 "$type: a program is signed"
  osslsigncode verify -CAfile root.pem -in files/1.exe >judge.txt 2>&1
  is "$?" 0 "$type: osslsigncode finds it good, by the root alone"
}

run init new --label release --new-so-pin env:SO_PIN --new-pin env:SIGNET_PIN --yes
is "$status" 0 'an empty token is made'
path rsa:3072
path ec:P-384
result "$(! grep -rqE "$test_pin|$test_so_pin" "$XDG_STATE_HOME" order-*; echo $?)" 'no PIN stands in any file of it'
done_testing
