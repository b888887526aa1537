#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a CA returns goes into the slot of a PIV card whose key it is, with the management key; then OpenSC's module signs.
# usage: import_card.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"
# shellcheck source=../lib/authority.sh
source "$tests/lib/authority.sh"

export KEY=010203040506070801020304050607080102030405060708 SIGNET_PIN=123456
make_authority
start_pcscd
make_programs 1 1000
cd "$work" || exit 1

# import TOKEN FILE…
import() {
  said=$("$signet" import "$@" --module "$opensc" --management-key env:KEY 2>&1 </dev/null)
  status=$?
}

# read_slot ID OUT: the certificate in a slot, by a program that is not ours
read_slot() { pkcs11-tool --module "$opensc" --read-object --type cert --id "$1" -o "$2" >/dev/null 2>&1; }

same() { # PEM DER
  openssl x509 -in "$1" -outform DER | cmp -s - "$2"
}

# A YubiKey tells its keys. What is in the slot, of an older key or of this one, is named before it goes.
card=$work/yubikey
make_card "$card" 5.4.3
make_card_key "$card" 9a P-256
make_card_key "$card" 9c rsa:2048
insert "$card"
label=$("$signet" tokens --module "$opensc" --json | jq -r '.tokens[0].label')
issue "$card/9c.key" 'Signer 9C' leaf.pem
cp "$card/9c.der" old.der
before=$(state "$card")
import "$label" leaf.pem issuing.pem
like "$status/$said" "^2/.*slot 9C has the certificate 'Signer 9c', which would be replaced" 'the certificate in the slot is named first'
is "$(state "$card")" "$before" 'and stays'
import "$label" leaf.pem issuing.pem --yes --profile card
is "$status" 0 'it goes where that is said'
result "$(read_slot 02 read.der && same leaf.pem read.der; echo $?)" 'OpenSC reads the new one, in the slot of its key'
like "$said" 'chain file.*-chain.pem' 'its chain, for which a card has no room, is in a file'
import "$label" leaf.pem issuing.pem --profile card
like "$status/$said" '^0/.*already; it stays' 'a second time: nothing to do'
result "$(! grep -qi "$KEY" "$XDG_STATE_HOME/signet/audit.log"; echo $?)" 'the management key stands in no log'
is "$(verifies "$card")" 0 'no PIN was sent'
sed -i '$a pin: env:SIGNET_PIN' "$XDG_CONFIG_HOME/signet/profiles/card.yaml"
"$batch" sign card --yes files/1.exe >said.txt 2>&1
is "$?" 0 'the profile signs a program at once'
osslsigncode verify -CAfile root.pem -in files/1.exe >judge.txt 2>&1
is "$?" 0 'osslsigncode finds the signature good, by the root alone'

# Refused before the management key is asked for.
: >"$card/log"
openssl genpkey -quiet -algorithm RSA -out foreign.pem
issue foreign.pem Foreign foreign.crt
import "$label" foreign.crt --yes
like "$status/$said" "^3/.*'Foreign' .* is for no key on .*the keys here:.*slot 9C" 'for no key of the card: those are told'
import "$label" leaf.pem issuing.pem --chain-to token
like "$status/$said" '^3/.*no room for a chain' 'a chain onto a card'
issue "$card/9a.key" 'Signer 9A' nine-a.pem
import "$label" nine-a.pem --slot 9c --yes
like "$status/$said" '^3/.*for the key in slot 9A, not for 9C' 'another slot than its key'
is "$(grep -c '^.. 87 ' "$card/log")" 0 'nothing of this needed the management key'

# A wrong management key is tried once.
KEY=$(openssl rand -hex 24) import "$label" nine-a.pem --yes
like "$status/$said" '^4/.*not that of this card' 'a wrong management key'
import "$label" nine-a.pem --yes
is "$status" 5 'and nobody tries again unasked'
rm -r "$XDG_STATE_HOME/signet/guard"

# Too large, or pulled out: the slot is as it was, or it is said.
before=$(state "$card")
echo 500 >"$card/object-max"
import "$label" nine-a.pem --yes
like "$status/$said" '^3/.*does not fit into slot 9A' 'no room in the card'
rm "$card/object-max"
is "$(state "$card")" "$before" 'it has what it had'
pull

# A plain card tells the keys of its certificates alone.
plain=$work/plain
make_card "$plain"
make_card_key "$plain" 9a rsa:2048
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$plain/9c.key"
insert "$plain"
label=$("$signet" tokens --module "$opensc" --json | jq -r '.tokens[0].label')
issue "$plain/9a.key" 'Renewed 9A' renewed.pem
import "$label" renewed.pem --yes
is "$status" 0 'a renewed certificate finds its slot by the old one'
result "$(read_slot 01 read.der && same renewed.pem read.der; echo $?)" 'and takes its place'
label=$("$signet" tokens --module "$opensc" --json | jq -r '.tokens[0].label')
issue "$plain/9c.key" 'First 9C' first.pem
import "$label" first.pem
like "$status/$said" '^3/.*for no key' 'a first one does not'
import "$label" first.pem --slot 9c
like "$status/$said" '^2/.*nothing was stored' 'with its slot it is asked for'
import "$label" first.pem --slot 9c --yes
is "$status" 0 'and stored where a person says so'
result "$(read_slot 02 read.der && same first.pem read.der; echo $?)" 'in that slot'
import "$label" first.pem --slot 9a --yes
like "$status/$said" '^3/.*for the key in slot 9C, not for 9A' 'not in another'
result "$(read_slot 01 read.der && same renewed.pem read.der; echo $?)" 'which has what it had'
pull

# A key that has no certificate yet: a YubiKey tells it by itself.
bare=$work/bare
make_card "$bare" 5.4.3
make_card_key "$bare" 9a P-256
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$bare/9c.key"
insert "$bare"
label=$("$signet" tokens --module "$opensc" --json | jq -r '.tokens[0].label')
issue "$bare/9c.key" 'First 9C' first.pem
import "$label" first.pem issuing.pem --yes
is "$status" 0 'the first certificate of a key that the card tells'
result "$(read_slot 02 read.der && same first.pem read.der; echo $?)" 'is in its slot'
pull
done_testing
