#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Keys made in the slots of a PIV card: what is there is named and asked for before, OpenSC shows what was made, and a card that
# is pulled out leaves nothing unsaid.
# usage: keygen.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"

export KEY=010203040506070801020304050607080102030405060708
start_pcscd

# make SLOT TYPE ARGUMENT…: output in $said, status in $status
make() {
  local slot=$1 type=$2
  shift 2
  said=$(timeout 120 "$signet" keygen "${name:-$reader}" --type "$type" --slot "$slot" --management-key env:KEY "$@" 2>&1 </dev/null)
  status=$?
}
make_json() {
  said=$("$signet" keygen "${name:-$reader}" --type "$2" --slot "$1" --management-key env:KEY --yes --json "${@:3}" 2>/dev/null </dev/null)
  status=$?
}
# same_key CARD SLOT: the public key that was told is the card's
same_key() {
  jq -r '."public-key"' <<<"$said" >"$work/public.pem"
  [[ "$(openssl pkey -in "$1/$2.key" -pubout 2>/dev/null)" == "$(cat "$work/public.pem")" ]]
}

# A YubiKey tells what is in its slots.
yubikey=$work/yubikey
make_card "$yubikey" 5.4.3
make_card_key "$yubikey" 9a P-256
insert "$yubikey"
for type in ec:P-256 ec:P-384; do
  make_json 9c "$type"
  is "$status" 0 "$type is made in 9C"
  same_key "$yubikey" 9c
  is "$?" 0 'its public half is what the card has'
done
before=$(state "$yubikey")
make 9c ec:P-256
like "$status/$said" "^2/.*lost: public-key 'SIGN pubkey' \(P-384\).*nothing was done" 'a key that is there is named before'
is "$(state "$yubikey")" "$before" 'and stays'
make 9e rsa:2048
like "$status/$said" '^2/.*allow-2048' 'RSA-2048 is not made by accident'
make 9e rsa:3072
like "$status/$said" '^3/.*firmware 5\.4 makes no RSA-3072.*ec:P-256' 'what this firmware cannot make is said, with what it can'
make 9b ec:P-256
is "$status" 2 'the management key is no slot'
is "$(state "$yubikey")" "$before" 'nothing of this changed the card'
make 9e ec:P-256 --pin-policy never --touch-policy cached
like "$status/$(cat "$yubikey/9e.policy")" '^0/1 3 1' 'PIN and touch policy are given to the card; an empty slot needs no question'

# The certificate of a key that is lost is worth its name.
before=$(state "$yubikey")
name=$("$signet" tokens --module "$opensc" --json | jq -r '.tokens[0].label')
make 9a ec:P-256 --yes --module "$opensc"
like "$status/$said" "^5/.*lost: certificate.*CN=Signer 9a.*types '$name'" 'a key with a valid certificate: --yes does not do'
is "$(state "$yubikey")" "$before" 'and it stays'
name=$reader make 9a ec:P-256 --yes --module "$softhsm"
like "$status/$(state "$yubikey")/$said" "^5/$before/.*cannot be seen here" 'nor where no module shows that there is one'
"$tests/lib/typed.py" 'Type the token' "$name" -- "$signet" keygen "$name" --type ec:P-384 --slot 9a --management-key env:KEY \
  --module "$opensc" >"$work/said"
like "$?/$(tr -d '\r' <"$work/said")" '^0/.*new P-384 key is in slot 9A.*placeholder' 'its label on a terminal does'
said=$("$signet" keygen @1 --type ec:P-256 --label x --module "$opensc" --pin env:KEY 2>&1 </dev/null)
like "$?/$said" '^2/.*PIV card.*--slot 9c' 'without a slot: it is said that one is needed'
is "$(verifies "$yubikey")" 0 'no PIN was sent'
name=''

# A wrong key is tried once.
right=$KEY
KEY=$(openssl rand -hex 24)
before=$(state "$yubikey")
make 9d ec:P-256 --yes
is "$status" 4 'a wrong management key: exit 4'
KEY=$right
make 9d ec:P-256 --yes
is "$status/$(state "$yubikey")" "5/$before" 'the next is not tried unattended, and nothing was made'
"$tests/lib/typed.py" 'Management key of' "$KEY" -- "$signet" keygen "$reader" --type ec:P-256 --slot 9d >"$work/said"
is "$?" 0 'a person types it'
pull

# A card that tells of no keys.
plain=$work/plain
make_card "$plain"
insert "$plain"
make 9c rsa:3072 --module "$softhsm"
like "$status/$said" '^5/.*neither can be seen' 'where nothing tells what is there, a label is wanted'
make 9c rsa:3072 --module "$opensc" --touch-policy always
like "$status/$said" '^3/.*no YubiKey' 'policies are for YubiKeys'
name=$("$signet" tokens --module "$opensc" --json | jq -r '.tokens[0].label')
make 9c rsa:3072 --module "$opensc"
like "$status/$said" '^2/.*nothing was done' 'where a module shows that no certificate is there, a yes'
make_json 9c rsa:3072 --module "$opensc"
is "$status" 0 'is enough'
same_key "$plain" 9c
is "$?" 0 'and the key is there'

# Its label came with the placeholder.
name=@1
echo 7 >"$plain/makes"
make 9d rsa:3072 --module "$opensc" --yes
like "$status/$said" '^3/.*asked for .*RSA-3072, and made one of type RSA-2048 in slot 9D' 'a card that makes another key than it was asked for'
rm "$plain/makes"

# Pulled out at each of the last commands, from the login on: nothing hangs, and what may be left is said.
: >"$plain/log"
make 9c ec:P-256 --yes --module "$opensc"
total=$(commands "$plain") wrong='' left=0
after=$(sed '1,/ 47 00 9c/d' <(tr 'A-F' 'a-f' <"$plain/log") | wc -l)
for ((n = total - after - 3; n <= total - after; n++)); do
  rm -rf "$XDG_STATE_HOME/signet/guard"
  echo "pull $n" >"$plain/fault"
  make 9c ec:P-256 --yes --module "$opensc"
  [[ $status != 0 && $status != 124 ]] || wrong+="at $n of $total: $status; "
  [[ $said != *'may hold the old key yet, or a new one'* ]] || left=$((left + 1))
  gone
  insert "$plain"
done
is "$wrong" '' 'pulled out at each command of it: no hang, no false success'
result "$((left == 0))" "where a key may have been made, it is said ($left of 4)"
done_testing
