#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Container names and counters that a module tells beyond PKCS#11, in every verb that shows them, and in profiles; by the shim,
# which has SafeNet's attributes by script. Nothing in here logs in.
# usage: containers.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"

# words TEXT: its lines as one
words() { tr -s '[:space:]' ' ' <<<"$1"; }

shim=$build/tests/lib/shim.so
profiles=$XDG_CONFIG_HOME/signet/profiles
names=$work/names
uuid=te-0f8fad5b-d9cb-469f-a165-70867728950e
mkdir -p "$names"
make_token test rsa:2048 EC:prime256v1 rsa:2048
token_tool test --write-object "$work/ca.pem" --type cert --id 0a --label CA
export SHIM_LOG=$work/shim.log SHIM_CONTAINERS=$names SHIM_SAFENET='12/15 9/10 3/3'
: >"$SHIM_LOG"
printf 'p11#0123456789abcdef' >"$names/01"
: >"$names/01.signature"
printf %s "$uuid" >"$names/02"

try() { # ARGUMENT…: output in $said, status in $status
  said=$("$signet" "$@" --module "$shim" 2>&1)
  status=$?
}
# field JQ-LIKE: one value of the JSON document in $said, by a Python expression on `d`
field() { python3 -c 'import json,sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1" <<<"$said"; }
key() { field "[k for t in d['tokens'] for k in t['keys'] if k['id'] == '$1'][0].get('$2')"; } # ID FIELD
fingerprint() { openssl x509 -in "$1" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr 'A-F' 'a-f'; }
value() { sed -n "s/^ *$2: *//p" "$profiles/$1.yaml" | tr -d '"'; } # NAME KEY
container() { echo "$(sed -n '/^container/,$ s/^  name: *//p' "$profiles/$1.yaml" | tr -d '"')/$(value "$1" provider)"; } # NAME

# Counters: each figure is the script's.
try counters
is "$status" 0 'counters'
like "$said" 'PIN  .*12 of 15 tries left  \[vendor attribute of PKCS#11\]' 'the user PIN'
like "$said" 'SO PIN  .*9 of 10 tries left  \[vendor attribute of PKCS#11\]' 'the SO PIN'
like "$said" 'PUK  .*3 of 3 tries left  \[vendor attribute of PKCS#11\]' 'the PUK'
is "$(grep -cE '^  (PIN|SO PIN|PUK) ' <<<"$said")" 3 'one line for each'
for figures in '1/15 0/10 2/3' '15/15 10/10 0/5' '0/3 1/3 1/1'; do
  SHIM_SAFENET=$figures try counters --json
  is "$(field "' '.join(str(c['left']) + '/' + str(c['maximum']) for c in d['tokens'][0]['counters'])")" "$figures" \
    "as the module tells them: $figures"
done
SHIM_SAFENET='0/15 9/10 3/3' try counters
like "$said" 'PIN  .*BLOCKED' 'none left is blocked'
SHIM_SAFENET='7/15 - -' try counters --json
is "$(field "[(c['name'], c['known-by']) for c in d['tokens'][0]['counters']]")" \
  "[('PIN', 'vendor attribute of PKCS#11'), ('SO PIN', 'flags of PKCS#11')]" 'what is not told has flags, or no line'
SHIM_SAFENET='16/15 9/10 3/3' try counters
like "$said" 'PIN  .*not known: the module tells 16 of 15' 'more left than there can be is not believed'
is "$(grep -cE '^  PIN .*no try is known to be lost  \[flags' <<<"$said")" 1 'then the flags count'
SHIM_SAFENET='255/255 9/10 3/3' try counters
is "$(grep -cE '^  PIN ' <<<"$said")" 1 '255 is no figure: the flags count'
said=$(unset SHIM_SAFENET && "$signet" counters --module "$shim" 2>&1)
is "$(grep -c 'flags of PKCS#11' <<<"$said")/$(grep -c vendor <<<"$said")" 2/0 'a module of somebody else has flags'

# Containers.
try containers
is "$status" 0 'containers'
like "$said" "container           p11#0123456789abcdef"$'\n' 'a name'
like "$said" "container           $uuid"$'\n' 'another'
like "$said" 'provider            eToken Base Cryptographic Provider' 'the provider'
like "$said" 'known by            vendor attribute of PKCS#11' 'how it is known'
like "$said" 'key1, id 01, signature key' 'the key'
like "$said" 'key2, id 02, exchange key' 'an EC key, by its id'
like "$(words "$said")" 'cannot be known here, because it has container names for other keys' 'a key without one'
is "$(grep -c 'CN=Test CA' <<<"$said")" 0 'a certificate of a CA is no key'
try containers test --json
is "$(key 01 container)/$(key 02 container)/$(key 03 container)" "p11#0123456789abcdef/$uuid/None" 'JSON: the names'
is "$(key 01 provider)/$(key 01 place)/$(key 02 place)" \
  'eToken Base Cryptographic Provider/signature key/exchange key' 'JSON: provider and use'
is "$(field "[k for t in d['tokens'] for k in t['keys'] if k['id'] == '01'][0]['certificates'][0]['sha256']")" \
  "sha256:$(fingerprint "$work/01.pem")" 'JSON: the certificate'
like "$(key 01 key-uri)" 'token=test;id=%01.*type=private' 'JSON: the key'
printf 'Sectigo_20261127' >"$names/01"
try containers test --json
is "$(key 01 container)" Sectigo_20261127 'the name is read each time'
said=$(unset SHIM_SAFENET && "$signet" containers --module "$softhsm" 2>&1)
like "$(words "$said")" 'cannot be known here, because SoftHSM' 'SoftHSM has none'
is "$(grep -c 'p11#\|te-' <<<"$said")" 0 'and none is made up'

SHIM_CALL=C_FindObjects SHIM_ACTION=0x30 try containers
like "$status $said" '^0 .*@1  test.*problem .*CKR_DEVICE_ERROR' 'a token that cannot be read is told among all'
SHIM_CALL=C_FindObjects SHIM_ACTION=0x30 try containers @1
is "$status" 3 'and fails where it is named'
SHIM_CALL=C_GetAttributeValue SHIM_ACTION=abort try counters
like "$status $said" '^0 .*crashed while reading what the vendor adds.*PIN .*\[flags of PKCS#11\]' 'a module that crashes over it: flags'

# Names that are none.
head -c 1048576 /dev/zero | tr '\0' a >"$names/01"
: >"$names/02"
printf 'te-\xff\xfe' >"$names/03"
try containers
is "$status" 0 'hostile names'
like "$(words "$said")" 'because the module tells a container name that is longer than any can be' '1 MB'
like "$(words "$said")" 'because the module tells an empty container name' 'none at all'
like "$(words "$said")" 'because the module tells a container name that is not UTF-8' 'not UTF-8'
is "$(grep -c 'aaaaaaaa' <<<"$said")" 0 'none of it is shown'
printf 'a\033[2Jb\x00c' >"$names/01"
try containers
like "$(words "$said")" 'because the module tells a container name that is not UTF-8' 'a NUL in it'
printf 'a\033[2Jb\xe2\x80\xae' >"$names/01"
try containers
like "$said" 'container           a\\x1B\[2Jb\\xE2\\x80\\xAE' 'control characters are escaped'
like "$said" 'in hex: 611b5b324a62e280ae' 'and told as they are'
is "$(grep -c $'\033' <<<"$said")" 0 'none reaches the terminal'
try containers --json
is "$(key 01 container-hex)" 611b5b324a62e280ae 'in JSON too'
head -c 1024 /dev/zero | tr '\0' b >"$names/01"
try containers
is "$(grep -cE '^  container +b{1024}$' <<<"$said")" 1 'the longest stands in one line'

# Profiles: the name of the key that is chosen.
printf 'a\tb' >"$names/01"
one=sha256:$(fingerprint "$work/01.pem") three=sha256:$(fingerprint "$work/03.pem")
try profile new tabbed --certificate "$one"
is "$status/$(grep -c container "$profiles/tabbed.yaml")" 0/0 'a name that a profile cannot have is left out'
printf 'p11#0123456789abcdef' >"$names/01"
rm "$names/02" "$names/03"
try profile new release --certificate "$one"
is "$status" 0 'profile new'
is "$(container release)" 'p11#0123456789abcdef/eToken Base Cryptographic Provider' 'has the container'
like "$said" 'container           p11#0123456789abcdef' 'and says so'
try profile new file --certificate "$work/01.pem"
is "$(container file)" 'p11#0123456789abcdef/eToken Base Cryptographic Provider' 'with a certificate in a file too'
try profile new third --certificate "$three"
is "$status/$(grep -c container "$profiles/third.yaml")" 0/0 'a key without a name has none in its profile'
try profile new third --yes --certificate "$three" --opensc-container
is "$status" 3 '--opensc-container, where that cannot be known'
like "$(words "$said")" 'cannot be known here, because' 'says why'

# signtool: from the profile, from the token, or the reason.
try profile signtool release
like "$said" '/csp "eToken Base Cryptographic Provider" /k "\[\{\{PIN\}\}\]=p11#0123456789abcdef"' 'signtool has it'
like "$said" 'The container is known by: the profile' 'and says from where'
sed -i '/^container/,$ d' "$profiles/release.yaml"
try profile signtool release
like "$said" '/k "\[\{\{PIN\}\}\]=p11#0123456789abcdef"' 'without it in the profile, the token is asked'
like "$said" 'The container is known by: vendor attribute of PKCS#11' 'and named'
try profile signtool third
like "$said" '/k "\[\{\{PIN\}\}\]=CONTAINER"' 'a placeholder where it is not known'
like "$(words "$said")" 'The container is not known here: it has container names for other keys' 'with the reason'
printf 'container: {name: "abc", provider: "Microsoft Base Smart Card Crypto Provider"}\n' >>"$profiles/third.yaml"
try profile signtool third
like "$said" '/csp "Microsoft Base Smart Card Crypto Provider" /k "abc"' 'a provider that takes no PIN is given none'
try profile signtool gone
is "$status" 2 'no such profile'
make_profile away "$softhsm" 0c
said=$("$signet" profile signtool away 2>&1)
like "$(words "$said")" 'The container is not known here: the profile has none, and its key is not here' 'a key that is not here'

# renew: to the container of the new key.
printf '%s\n' '# by hand' 'signet: 1' "module: $shim" 'key: "pkcs11:token=test;id=%01"' "certificate: $one" 'container:' \
  '  name: "p11#0123456789abcdef" # read in May' '  provider: "eToken Base Cryptographic Provider"' >"$profiles/written.yaml"
days=500 make_certificate test 01 'Signer 1'
before=$(grep -A 2 '^container' "$profiles/written.yaml")
try profile renew written
is "$status/$(grep -A 2 '^container' "$profiles/written.yaml")" "0/$before" 'renew: the same key keeps its container'
days=600 make_certificate test 03 'Signer 1'
printf 'p11#fedcba9876543210' >"$names/03"
try profile renew written
is "$status" 0 'renew to another key'
is "$(sed -n 's/^  name: //p' "$profiles/written.yaml")" '"p11#fedcba9876543210" # read in May' 'with its container'
like "$said" 'container was +p11#0123456789abcdef.*container is +p11#fedcba9876543210' 'and says so'
days=700 make_certificate test 01 'Signer 1'
rm "$names/01"
try profile renew written
is "$status/$(grep -c 'container\|p11#' "$profiles/written.yaml")" 0/0 'one that is not known takes the old one out'
like "$(words "$said")" "because it has container names for other keys" 'and says why'

# A key that shows itself by its certificates alone is one key, and the pinned certificate is the one that is exported.
token_tool test --delete-object --type pubkey --id 01
try profile signtool written
export=$(grep -E '^  signet export .*pem$' <<<"$said")
(cd "$work" && PATH=$(dirname "$signet"):$PATH sh -c "$export") >/dev/null 2>&1
is "sha256:$(fingerprint "$work/certificate.pem")" "$(value written certificate)" 'the export that signtool prints is of the pinned certificate'

is "$(grep -c C_Login "$SHIM_LOG")" 0 'no login was made by any of these'
done_testing
