#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a CA returns, in every form, beside its key on SoftHSM: found by public key, refused where it will not do, and used at
# once. PINs in here are test PINs.
# usage: import.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "${1:?usage: import.sh BUILD_FOLDER}"
# shellcheck source=../lib/authority.sh
source "$tests/lib/authority.sh"
make_authority
shim=$build/tests/lib/shim.so
export SIGNET_PIN=$test_pin
log=$XDG_STATE_HOME/signet/audit.log
cd "$work" || exit 1

# fresh TYPE [TOOL_ARGUMENT…]: the token `test` with one key, whose private half is in key.pem, and its certificate in leaf.pem
fresh() {
  local type=$1
  shift
  rm -rf "$work/tokens" "$work/state" leaf.pem
  make_token test
  openssl genpkey -quiet -algorithm "${type%%:*}" -pkeyopt "${type#*:}" -out key.pem
  openssl pkey -in key.pem -outform DER -out key.der
  openssl pkey -in key.pem -pubout -outform DER -out public.der
  token_tool test --write-object key.der --type privkey --usage-sign "$@"
  token_tool test --write-object public.der --type pubkey --usage-sign "$@"
  issue key.pem Signer leaf.pem
}

# import FILE…: in $said and $status
import() {
  said=$("$signet" import test "$@" --module "${module:-$softhsm}" 2>&1 </dev/null)
  status=$?
}

# seen CERTIFICATE: id and label of it on the token, read by a program that is not ours
seen() {
  local digest
  digest=$(openssl x509 -in "$1" -outform DER | sha256sum)
  "$signet" objects test --module "$softhsm" --json |
    jq -r --arg digest "${digest%% *}" '.objects[] | select(.certificate.sha256 == $digest) | .id + " " + .label'
}

# certificates: how many are on the token
certificates() { pkcs11-tool --module "$softhsm" --token-label test -O --type cert 2>/dev/null | grep -c '^Certificate Object'; }

# Every form, in every order; no login where the token wants none.
fresh RSA:rsa_keygen_bits:3072 --id 0a0b --label release
openssl x509 -in leaf.pem -outform DER -out leaf.der
openssl crl2pkcs7 -nocrl -certfile issuing.pem -certfile leaf.pem -certfile root.pem -outform DER -out chain.p7b
openssl crl2pkcs7 -nocrl -certfile issuing.pem -certfile leaf.pem -certfile root.pem -out chain.p7.pem
base64 chain.p7b >chain.b64
{
  echo 'Dear customer, here is your certificate.'
  cat root.pem leaf.pem issuing.pem leaf.pem
  echo 'Yours'
} >mail.txt
openssl pkcs12 -export -inkey key.pem -in leaf.pem -certfile issuing.pem -passout pass:secret -out all.p12
openssl pkcs12 -export -legacy -inkey key.pem -in leaf.pem -certfile issuing.pem -passout pass:secret -out old.p12
for form in leaf.der mail.txt chain.p7b chain.p7.pem chain.b64 all.p12 old.p12; do
  token_tool test --delete-object --type cert --id 0a0b
  export PASSWORD=secret
  import "$form" --password env:PASSWORD
  is "$status/$(seen leaf.pem)" '0/0a0b release' "$form: stored with the key's id and label"
done
like "$said" 'holds a private key, too.*not imported' 'the key in PKCS#12 is left where it is'
is "$(certificates)/$(seen issuing.pem | cut -d' ' -f2-)" '2/Test Issuing CA' 'the chain is there once, the root is not'
result "$([[ ! -e $log ]]; echo $?)" 'and nobody logged in'
PASSWORD=wrong import all.p12 --password env:PASSWORD
like "$status/$said" '^2/.*the password is another' 'a wrong password of a file'
import all.p12
like "$status/$said" '^2/' 'a password that nobody can be asked for'

# Twice is once.
import leaf.pem issuing.pem
like "$status/$said" '^0/.*already; it stays' 'one that is there: nothing to do, and no error'
is "$(certificates)" 2 'nothing was stored twice'

# Pasted, or through a pipe.
token_tool test --delete-object --type cert --id 0a0b
said=$("$signet" import test - --module "$softhsm" <mail.txt 2>&1)
is "$?/$(seen leaf.pem)" '0/0a0b release' 'from standard input'
token_tool test --delete-object --type cert --id 0a0b
import "$(cat leaf.pem)"
is "$status/$(seen leaf.pem)" '0/0a0b release' 'the text itself'

token_tool test --delete-object --type cert --id 0a0b
token_tool test --delete-object --type cert --id "$(seen issuing.pem | cut -d' ' -f1)"
import "$(cat leaf.pem issuing.pem | tr '\n' ' ')"
is "$status/$(seen leaf.pem)/$(certificates)" '0/0a0b release/2' 'and when its lines are lost'

# The pair signs at once.
make_programs 1 1000
import mail.txt --profile release
is "$status" 0 'with a profile'
sed -i '$a pin: env:SIGNET_PIN' "$XDG_CONFIG_HOME/signet/profiles/release.yaml"
"$batch" sign release --yes files/1.exe >said.txt 2>&1
is "$?" 0 'which signs a program at once'
osslsigncode verify -CAfile root.pem -in files/1.exe >judge.txt 2>&1
is "$?" 0 'osslsigncode finds the signature good, by the root alone'

# The next certificate for the same key: both stay, and the profile moves.
cp leaf.pem first.pem
ends=500 issue key.pem Signer second.pem
import second.pem --profile release
like "$status/$said" "^0/.*others of this key +sha256:$(fingerprint first.pem)" 'a second certificate of the key: the first is told'
is "$(certificates)" 3 'and stays'
is "$(grep -c "sha256:$(fingerprint second.pem)" "$XDG_CONFIG_HOME/signet/profiles/release.yaml")" 1 'the profile moved to it'
import second.pem --profile release
is "$status" 0 'again: nothing to do there, either'
"$batch" sign release --yes --existing replace files/1.exe >said.txt 2>&1
is "$?" 0 'and it signs'
json=$("$signet" import test second.pem --module "$softhsm" --json 2>/dev/null </dev/null)
is "$(jq -r '[.state, .key.id, .key.label, (.older | length), .chain[0].state, ."missing-issuer"] | join("/")' <<<"$json")" \
  'already-there/0a0b/release/1/already-there/O=Test, CN=Test Root' 'JSON tells the same'

# At a terminal it offers the profile.
ends=510 issue key.pem Signer third.pem
"$tests/lib/typed.py" 'Move it to the new' y -- "$signet" import test third.pem --module "$softhsm" >said.txt 2>&1
is "$?/$(grep -c "sha256:$(fingerprint third.pem)" "$XDG_CONFIG_HOME/signet/profiles/release.yaml")" 0/1 'a person is asked to move it'
rm "$XDG_CONFIG_HOME/signet/profiles/release.yaml"
"$tests/lib/typed.py" 'Name of a profile' fresh -- "$signet" import test third.pem --module "$softhsm" >said.txt 2>&1
is "$?/$(grep -c "sha256:$(fingerprint third.pem)" "$XDG_CONFIG_HOME/signet/profiles/fresh.yaml")" 0/1 'or for the name of a new one'

# A chain of its own in a file.
fresh EC:ec_paramgen_curve:P-384 --id 01 --label 'my key'
import leaf.pem issuing.pem root.pem --chain-to file --profile filed
is "$status/$(certificates)/$(grep -c BEGIN 'my_key-chain.pem')" 0/1/1 'the chain goes to a file where that is asked for'
like "$(cat "$XDG_CONFIG_HOME/signet/profiles/filed.yaml")" "chain:.*my_key-chain.pem" 'which the profile names'
echo mine >other.pem
import leaf.pem issuing.pem -o other.pem
is "$status/$(cat other.pem)" 2/mine 'a file that is there is not replaced unasked'

# What will not do: nothing changes.
before=$(certificates)
openssl genpkey -quiet -algorithm RSA -out foreign.pem
issue foreign.pem Foreign foreign.crt
import foreign.crt
like "$status/$said" "^3/.*'Foreign' \(sha256:$(fingerprint foreign.crt)\) is for no key on 'test'; the keys here: 'my key' \(P-384, id 01\)" \
  'for no key here: the keys and the fingerprint are told'
purpose=emailProtection issue key.pem Signer mail.crt
import mail.crt
like "$status/$said" '^3/.*not for code signing' 'not for code signing'
starts=-20 ends=-10 issue key.pem Signer expired.crt
import expired.crt
like "$status/$said" '^3/.*expired on' 'expired'
starts=10 issue key.pem Signer early.crt
import early.crt
like "$status/$said" '^3/.*valid from' 'not valid yet'
cp issuing.pem right.pem
make_issuing 'Test Issuing CA' forged
import leaf.pem forged.pem root.pem
like "$status/$said" '^1/.*was not signed by the issuer' 'an issuer of the right name and another key'
import issuing.pem root.pem
like "$status/$said" '^3/.*CAs alone' 'certificates of CAs alone'
head -c 11000000 /dev/zero >large.pem
import large.pem
like "$status/$said" '^1/.*11000000|^1/.*larger than' '11 MB'
said=$("$signet" import test - --module "$softhsm" 2>&1 < <(yes))
like "$?/$said" '^1/.*larger than' 'input without an end'
openssl req -new -key key.pem -subj /CN=x -out request.pem
import request.pem
like "$status/$said" '^1/.*a certificate request' 'the request itself'
import key.pem
like "$status/$said" '^1/.*a private key' 'a private key'
import missing.pem
like "$status/$said" "^1/.*missing.pem" 'a file that is not there'
is "$(certificates)" "$before" 'nothing of all this is on the token'

# A leaf without its issuers is taken, and it is told what is missing.
fresh RSA:rsa_keygen_bits:3072 --id 01 --label release
import leaf.pem
like "$status/$said" "^0/.*its issuer 'O=Test, CN=Test Issuing CA' was not sent" 'without its issuer: taken, and told'

# One that another tool stored under a wrong id is found, and gets the right one.
fresh RSA:rsa_keygen_bits:3072 --id 01 --label release
openssl x509 -in leaf.pem -outform DER -out leaf.der
token_tool test --write-object leaf.der --type cert --id 77 --label lost
import leaf.pem
is "$status/$(seen leaf.pem)" '0/01 lost' 'one under a wrong id gets that of its key'

# A key without id and label gets both, after a login: its private half is hidden before.
fresh RSA:rsa_keygen_bits:3072
import leaf.pem --pin env:SIGNET_PIN
# The BIT STRING's content: RFC 5280, section 4.2.1.2, by the CA's own hand.
hash=$(openssl x509 -in leaf.pem -noout -ext subjectKeyIdentifier | sed -n '2s/[: ]//gp' | tr A-F a-f)
is "$status/$(seen leaf.pem)" "0/$hash Signer" 'a key without id and label gets both, and its certificate the same'
"$signet" objects test --module "$softhsm" --login --pin env:SIGNET_PIN --json |
  jq -r '.objects[] | .class + " " + .id + " " + .label' | sort >named.txt
is "$(cat named.txt)" "$(printf '%s\n' "certificate $hash Signer" "private-key $hash Signer" "public-key $hash Signer")" 'all three are a set'
like "$said" 'the key got its +id and label' 'and that is told'

# A private key alone, which is hidden: who may log in finds it.
fresh RSA:rsa_keygen_bits:3072 --id 01 --label release
token_tool test --delete-object --type pubkey --id 01
import leaf.pem
like "$status/$(certificates)/$said" '^2/0/.*no terminal' 'a key that is hidden before a login is looked for with the PIN'
import leaf.pem --pin env:SIGNET_PIN
is "$status/$(seen leaf.pem)" '0/01 release' 'and found'
fresh RSA:rsa_keygen_bits:3072
WRONG=wrong-pin import leaf.pem --pin env:WRONG
is "$status/$(certificates)" 4/0 'a wrong PIN: nothing is stored'
WRONG=wrong-pin import leaf.pem --pin env:WRONG
is "$status" 5 'and it is not tried again'

# A token that wants a login for every change.
module=$shim
fresh RSA:rsa_keygen_bits:3072 --id 01 --label release
export SHIM_CALL=C_CreateObject SHIM_ACTION=0x101 SHIM_ONCE=$work/refused
import leaf.pem --pin env:SIGNET_PIN
is "$status/$(seen leaf.pem)/$(grep -c '"outcome":"ok"' "$log")" '0/01 release/1' 'a token that wants a login gets one'
fresh RSA:rsa_keygen_bits:3072 --id 01 --label release
token_tool test --delete-object --type privkey --id 01
rm "$SHIM_ONCE"
import leaf.pem --pin env:SIGNET_PIN
like "$status/$(certificates)/$said" '^3/0/.*not its private key' 'which shows that the private half is missing: nothing is stored'
unset SHIM_ONCE

# It is full, or refuses: nothing is left behind.
fresh RSA:rsa_keygen_bits:3072 --id 01 --label release
SHIM_ACTION=0x31 import leaf.pem issuing.pem
like "$status/$(certificates)/$said" '^3/0/.*could not be stored.*the token is full' 'a full token: nothing stored, and why'
SHIM_ACTION=0x13 import leaf.pem issuing.pem
like "$status/$(certificates)/$said" '^3/0/.*refuses an attribute' 'an attribute that is refused'
SHIM_ACTION=0x32 import leaf.pem issuing.pem
like "$status/$(certificates)/$said" '^3/0/.*plug it in' 'pulled out'
SHIM_ACTION=abort import leaf.pem issuing.pem
like "$status/$(certificates)/$said" '^8/0/.*same command goes on' 'a module that crashes'
SHIM_AFTER=1 SHIM_ACTION=0x31 import leaf.pem issuing.pem
like "$status/$(certificates)/$said" '^0/1/.*release-chain.pem.*not on the token' 'full in the middle: the chain goes to a file'
is "$(grep -c BEGIN release-chain.pem)" 1 'which is there'
fresh RSA:rsa_keygen_bits:3072 --id 01 --label release
SHIM_CALL='' SHIM_GONE=C_CreateObject import leaf.pem issuing.pem
like "$status/$said" "^3/.*'release' may be left on it.*same command" 'pulled out after the certificate is written: what may be there is named'
SHIM_CALL='' import leaf.pem issuing.pem
is "$status/$(certificates)/$(seen leaf.pem)" '0/2/01 release' 'and the same command goes on from it'
fresh RSA:rsa_keygen_bits:3072
SHIM_CALL=C_SetAttributeValue SHIM_ACTION=0x10 import leaf.pem --pin env:SIGNET_PIN
like "$status/$(certificates)/$said" '^3/0/.*has no CKA_ID and does not get one, so nothing was stored' 'a key that cannot be named'
unset SHIM_CALL SHIM_ACTION
module=$softhsm

# What expires is told in time.
fresh RSA:rsa_keygen_bits:3072 --id 01 --label release
ends=59 issue key.pem Signer soon.pem
import soon.pem
said=$("$signet" tokens --module "$softhsm")
like "$said" "WARNING +certificate 'Signer': it expires on .*, in 5[89] days; order the next one now" 'the list of tokens warns from 60 days on'
like "$("$signet" tokens --module "$softhsm" --json | jq '.tokens[0]."expiry-warnings"[0]."days-left"')" '^5[89]$' 'in JSON, too'
like "$("$signet" objects test --module "$softhsm")" 'WARNING +it expires on' 'and that of objects'
import leaf.pem
is "$("$signet" tokens --module "$softhsm" --json | jq -c '.tokens[0]."expiry-warnings"')" '[]' 'no more, once the next one is there'

# A profile moves to the next token, with the new certificate there.
"$signet" profile new moving --token test --certificate "sha256:$(fingerprint soon.pem)" --module "$softhsm" >/dev/null
softhsm2-util --init-token --free --label next --pin "$test_pin" --so-pin "$test_so_pin" >/dev/null
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem
openssl pkey -in key.pem -outform DER -out key.der
openssl pkey -in key.pem -pubout -outform DER -out public.der
token_tool next --write-object key.der --type privkey --usage-sign --id 09 --label next
token_tool next --write-object public.der --type pubkey --usage-sign --id 09 --label next
issue key.pem Signer next.pem
"$signet" import next next.pem issuing.pem --module "$softhsm" --profile moving >said.txt 2>&1 </dev/null
is "$?" 0 'a certificate on another token, and the profile'
like "$(cat "$XDG_CONFIG_HOME/signet/profiles/moving.yaml")" "token=next;id=%09.*sha256:$(fingerprint next.pem)" 'which moved there'
echo 'pin: env:SIGNET_PIN' >>"$XDG_CONFIG_HOME/signet/profiles/moving.yaml"
"$batch" sign moving --yes --existing replace files/1.exe >said.txt 2>&1
osslsigncode verify -CAfile root.pem -in files/1.exe >judge.txt 2>&1
is "$?" 0 'and signs with it'

result "$(! grep -rqE "$test_pin|secret" "$XDG_STATE_HOME" 2>/dev/null; echo $?)" 'no PIN stands in any state file'
done_testing
