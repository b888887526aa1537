#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Container names of cards, matched to the keys that OpenSC's module shows: from YubiKey's map, and as OpenSC computes them.
# usage: containers.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"

start_pcscd
name=0f8fad5b-d9cb-469f-a165-70867728950e
yubikey=$work/yubikey plain=$work/plain

# map_record NAME SLOT CERTIFICATE: a record of Yubico's container map, in hex: name, slot, AT_SIGNATURE, 2048 bits, valid and
# default, PIN, no ECDH, SHA-1 of the certificate
map_record() {
  local units
  units=$(printf %s "$1" | iconv -t UTF-16LE | xxd -p | tr -d '\n')
  printf '%-160s' "$units" | tr ' ' 0
  printf '%s0200080380''00' "$2"
  sha1sum "$3" | cut -c1-40
}

make_card "$yubikey" 5.4.3
make_card_key "$yubikey" 9a P-256
make_card_key "$yubikey" 9c rsa:2048
xxd -r -p <<<"816b$(map_record "$name" 9c "$yubikey/9c.der")" >"$yubikey/5fff10.object"
insert "$yubikey"
of() { "$signet" containers --json | jq -r --arg id "$1" ".tokens[].keys[] | select(.id == \$id) | .$2"; } # ID FIELD
is "$(of 02 container)/$(of 02 place)/$(of 02 default)" "$name/slot 9C/true" "YubiKey's map names the key of its certificate"
is "$(of 02 provider)/$(of 02 computed)" 'Microsoft Base Smart Card Crypto Provider/false' 'with its provider'
like "$(of 02 '"known-by"')" '5FFF10' 'and the source'
like "$(of 01 '"why-unknown"')" 'container names for other keys.*serial is longer than PKCS#11 shows' 'a key that is not in it'
"$signet" profile new release --token @1 --certificate "sha256:$(sha256sum "$yubikey/9c.der" | cut -d' ' -f1)" >/dev/null
like "$("$signet" profile signtool release)" "/csp \"Microsoft Base Smart Card Crypto Provider\" /k \"$name\"" \
  'the name goes into the profile, and into signtool without a PIN'
certify <(openssl pkey -in "$yubikey/9c.key" -pubout) 'Another' "$yubikey/9c.der"
is "$(of 02 container)" null 'a map for another certificate is none for this one'
pull

make_card "$plain"
make_card_key "$plain" 9c rsa:2048
insert "$plain"
guid=$(pkcs15-tool -k 2>/dev/null | sed -nE "s/.*MD:guid *: 0x'(.*)'/\1/p" | xxd -r -p | tr -d '\0')
like "$guid" '^[0-9a-f]{32}$' 'OpenSC tells what it computes'
is "$(of 02 container)/$(of 02 computed)" "$guid/true" 'and it is computed here'
"$signet" profile new plain --token @1 >/dev/null
is "$(grep -c container "$XDG_CONFIG_HOME/signet/profiles/plain.yaml")" 0 'that is no fact for a profile'
"$signet" profile new plain --yes --token @1 --opensc-container >/dev/null
like "$(cat "$XDG_CONFIG_HOME/signet/profiles/plain.yaml")" "name: \"?$guid" 'unless it is asked for'
is "$(verifies "$yubikey")/$(verifies "$plain")/$(seen_verifies)" 0/0/0 'no PIN was tried'
done_testing
