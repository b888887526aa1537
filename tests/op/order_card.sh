#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The whole path of an order on a PIV card that comes from its maker, through OpenSC: key, request, CA, certificate, a signed
# program. OpenSC shows a slot's key by the slot's certificate alone.
# usage: order_card.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"
# shellcheck source=../lib/authority.sh
source "$tests/lib/authority.sh"

make_authority
start_pcscd
make_programs 1 1000
cd "$work" || exit 1
export SIGNET_PIN=123456 KEY=010203040506070801020304050607080102030405060708

run() { # VERB…
  said=$("$signet" "$@" --module "$opensc" 2>&1 </dev/null)
  status=$?
}

# path NAME [ARGUMENT…]: from the key to the signed program
path() {
  local name=$1
  shift
  run keygen @1 --type ec:P-256 --slot 9c --management-key env:KEY --yes "$@"
  like "$status/$said" '^0/.*type=public.*placeholder.*Next: signet csr' "$name: a key, which OpenSC shows"
  run csr 'pkcs11:id=%02' --subject 'C=DE, L=Bonn, O=Test, CN=Test' -o "$name.csr" --pin env:SIGNET_PIN
  is "$status" 0 "$name: a request"
  openssl req -in "$name.csr" -noout -verify >judge.txt 2>&1
  is "$?" 0 "$name: openssl finds it good"
  answer "$name.csr" "$name.pem"
  run import @1 "$name.pem" issuing.pem --management-key env:KEY --profile "$name"
  like "$status/$said" '^0/Stored' "$name: the certificate takes the placeholder's place, unasked"
  result "$([[ $said != *9999* ]]; echo $?)" "$name: which is not told as one of the key"
  sed -i '$a pin: env:SIGNET_PIN' "$XDG_CONFIG_HOME/signet/profiles/$name.yaml"
  "$batch" sign "$name" --yes --existing replace files/1.exe >said.txt 2>&1
  is "$?" 0 "$name: a program is signed"
  osslsigncode verify -CAfile root.pem -in files/1.exe >judge.txt 2>&1
  is "$?" 0 "$name: osslsigncode finds it good"
}

card=$work/fresh
make_card "$card" 5.4.3
insert "$card"
path fresh
run keygen @1 --type ec:P-256 --slot 9c --management-key env:KEY --yes
like "$status/$said" "^5/.*'Test'.*--yes does not" 'a certificate that is valid yet goes by its label alone'
pull

# By the certificate of an older key, OpenSC would show that one.
card=$work/older
make_card "$card" 5.4.3
make_card_key "$card" 9c P-256
starts=-400 ends=-10 issue "$card/9c.key" Old old.pem
openssl x509 -in old.pem -outform DER -out "$card/9c.der"
insert "$card"
path older
result "$(! grep -rqi "$KEY" "$XDG_STATE_HOME"; echo $?)" 'the management key stands in no log'
done_testing
