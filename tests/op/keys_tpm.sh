#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Keys in a TPM, by tpm2-pkcs11: a token that does not take a template that denies it what it does by itself.
# usage: keys_tpm.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "${1:?usage: keys_tpm.sh BUILD_FOLDER}"
# shellcheck source=../lib/tpm.sh
source "$tests/lib/tpm.sh"
start_tpm || exit 1
export SO=$test_so_pin PIN=$test_pin

run() {
  said=$("$signet" "$@" --module "$tpm_module" 2>/dev/null </dev/null)
  status=$?
}
seen() { pkcs11-tool --module "$tpm_module" --login --pin "$test_pin" -O --type "$1" 2>/dev/null | grep -cE '^(Private|Public) Key Object'; }

run init new --label tpm --new-so-pin env:SO --new-pin env:PIN
is "$status" 0 'a token is made in the TPM'
for type in rsa:2048 rsa:3072 ec:P-256 ec:P-384; do
  run keygen tpm --type "$type" --label "$type" --pin env:PIN --allow-2048 --json
  is "$status" 0 "$type is made"
  is "$(jq -c '.key.attributes | [.sensitive, .extractable, ."never-extractable", .local, .sign]' <<<"$said")" \
    '[true,false,true,true,true]' 'it can sign, and cannot leave the TPM'
done
said=$("$signet" keygen tpm --type rsa:4096 --label large --pin env:PIN --module "$tpm_module" 2>&1 </dev/null)
like "$?/$said" '^3/.*no rsa:4096 keys.*can make: rsa:2048, rsa:3072, ec:P-256, ec:P-384' 'what it cannot make is said, with what it can'
is "$(seen privkey)/$(seen pubkey)" 4/4 'all are there'
run delete 'pkcs11:token=tpm;object=ec%3AP-256;type=private' --pin env:PIN --yes
is "$status/$(seen privkey)/$(seen pubkey)" 0/3/3 'one is deleted, both its halves, and no other'
said=$("$tests/lib/typed.py" 'Type its label' tpm -- "$signet" init tpm --label again --so-pin env:SO --new-pin env:PIN \
  --module "$tpm_module")
like "$?/$said" "^3/.*did not take" 'what it does not do, to initialise twice, is not called a wrong PIN'
is "$(seen privkey)" 3 'and nothing is lost'
done_testing
