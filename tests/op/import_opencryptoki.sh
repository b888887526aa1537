#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A certificate beside its key on opencryptoki's token, where a key is made by the verb and a CA answers.
# usage: import_opencryptoki.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "${1:?usage: import_opencryptoki.sh BUILD_FOLDER}"
# shellcheck source=../lib/opencryptoki.sh
source "$tests/lib/opencryptoki.sh"
# shellcheck source=../lib/authority.sh
source "$tests/lib/authority.sh"
start_slotd || exit 1
make_oc_token oc
make_authority
export SIGNET_PIN=$oc_pin
make_programs 1 1000
cd "$work" || exit 1

import() {
  said=$("$signet" import oc "$@" --module "$opencryptoki" 2>&1 </dev/null)
  status=$?
}

for type in rsa:3072 rsa:4096; do
  name=${type//:/-}
  "$signet" keygen oc --type "$type" --label "$name" --module "$opencryptoki" --pin env:SIGNET_PIN >said.txt 2>&1
  is "$?" 0 "$type: a key on the token"
  uri=$("$signet" objects oc --module "$opencryptoki" --login --pin env:SIGNET_PIN --json |
    jq -r --arg named "$name" '.objects[] | select(.label == $named and .class == "private-key") | .uri')
  "$signet" csr "$uri" --subject "C=DE, ST=Berlin, L=Berlin, O=Test, CN=Test" -o "$name.csr" --module "$opencryptoki" \
    --pin env:SIGNET_PIN >said.txt 2>&1
  is "$?" 0 "$type: its request"
  answer "$name.csr" "$name.pem"
  import "$name.pem" issuing.pem root.pem --pin env:SIGNET_PIN --profile "$name"
  is "$status" 0 "$type: what the CA returned is stored"
  sed -i '$a pin: env:SIGNET_PIN' "$XDG_CONFIG_HOME/signet/profiles/$name.yaml"
  "$batch" sign "$name" --yes --existing replace files/1.exe >said.txt 2>&1
  is "$?" 0 "$type: and signs a program at once"
  osslsigncode verify -CAfile root.pem -in files/1.exe >judge.txt 2>&1
  is "$?" 0 "$type: which osslsigncode finds good, by the root alone"
done
import rsa-4096.pem
like "$status/$said" '^0/.*already; it stays' 'a second time: nothing to do'
is "$(pkcs11-tool --module "$opencryptoki" -O --type cert 2>/dev/null | grep -c '^Certificate Object')" 3 \
  'two certificates, and their issuer once'
done_testing
