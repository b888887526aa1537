#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a card tells that PKCS#11 does not: tries left as a number, keys that want a touch or a PIN for each signature.
# usage: policies.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$(dirname "$0")/../lib/cards.sh"

card=$work/card
make_card "$card" 5.4.3
make_card_key "$card" 9a P-256
make_card_key "$card" 9c P-256
printf 246810 >"$card/pin"
mkdir -p "$XDG_CONFIG_HOME/signet/profiles"
make_card_profile() { # NAME ID
  printf '%s\n' 'signet: 1' "module: $opensc" "key: \"pkcs11:id=%$2\"" 'pin: env:SIGNET_PIN' "chain: [$work/ca.pem]" \
    >"$XDG_CONFIG_HOME/signet/profiles/$1.yaml"
}
make_card_profile sign 02
make_card_profile login 01
make_programs 4 0
export SIGNET_PIN=246810 TERM=xterm
start_pcscd

# Each without a terminal, as in a build.
check() { # PROFILE: findings in $said
  said=$(setsid "$batch" check "$1" --json </dev/null 2>/dev/null)
  status=$?
}
finding() { # SUBJECT: "LEVEL TEXT"
  python3 -c 'import json, sys
for f in json.load(sys.stdin)["findings"]:
    if f["subject"] == sys.argv[1]: print(f["level"], f["text"])' "$1" <<<"$said"
}
at_terminal() { "$tests/lib/typed.py" -- "$batch" "$@" 2>&1; }

echo '3 1 1' >"$card/9c.policy"
insert "$card"
check sign
is "$status" 0 'a key without a touch may sign in a build'
is "$(finding tries)" 'ok 3 of 3 left [card, GET METADATA]' 'the tries left come from the card'
like "$(finding login)" '^ok .*PIN for each signature \[card, GET METADATA\]' 'a PIN for each signature is told'
is "$(finding touch)" '' 'and no touch'
is "$(verifies "$card")" 0 'no PIN was sent'

echo '3 2 1' >"$card/9c.policy"
check sign
is "$status" 3 'a touch for each signature is an error without a terminal'
like "$(finding touch)" '^error .*nobody is here' 'and is told'
: >"$card/log"
setsid "$batch" sign sign "$work"/files/*.exe </dev/null >/dev/null 2>&1
is "$?/$(verifies "$card")" 3/0 'sign signs nothing then, without a login'
setsid "$batch" sign sign --dry-run "$work"/files/*.exe </dev/null >/dev/null 2>&1
is "$?" 0 'a dry run needs no touch'
like "$(at_terminal check sign)" 'warning +touch +the key wants a touch for each signature, which nobody[[:space:]]+gives in a build' \
  'at a terminal it is a warning for a profile of builds'
like "$(at_terminal check sign --pin prompt)" 'ok +touch .*sign says when' 'and none where a person types the PIN'

said=$(at_terminal sign sign "$work"/files/*.exe)
is "$?" 0 'a person signs'
is "$(grep -o 'touch now, [0-9] of [0-9]' <<<"$said" | sort -u | cut -d ' ' -f 3 | tr -d '\n')" 1234 'told before each signature'
setsid "$batch" sign sign "$work"/files/*.exe </dev/null >/dev/null 2>&1
is "$?" 0 'what is signed already needs no touch'
said=$(at_terminal sign sign --existing replace --sessions 2 --json "$work"/files/*.exe | tr -d '\r')
is "$(python3 -c 'import json, sys
waits, bad = 0, 0
for line in sys.stdin:
    r = json.loads(line)
    if "touch" in r:
        waits += 1
        bad += r["touch"]["number"] != waits or r["touch"]["of"] != 4
print(waits, bad)' <<<"$said")" '4 0' 'and in NDJSON'
like "$(at_terminal check sign --trial)" 'touch the device now' 'a trial asks for one too'

echo '3 3 1' >"$card/9c.policy"
check sign
is "$status" 0 'a touch that lasts is no error'
like "$(finding touch)" '^warning .*lasts 15 s' 'but a warning'
said=$(at_terminal sign sign --existing replace --json "$work"/files/*.exe)
is "$(grep -c '"touch"' <<<"$said")" 1 'and is asked for once in 15 s'

# The module knows by the slot alone which key wants a PIN each time.
echo '3 1 1' >"$card/9a.policy"
check login
like "$(finding login)" 'PIN for each signature' "of another slot the card's word counts"

pull
echo 2 >"$card/pin-left"
echo '3 1 1' >"$card/9c.policy"
insert "$card"
check sign
like "$(finding tries)" 'warning 2 of 3 left \[card, GET METADATA\]' 'a lost try is told exactly'
is "$(<"$card/pin-left")" 2 'and none is spent by that'
pull
rm "$card/pin-left"
printf 5.2.7 >"$card/version"
insert "$card"
check sign
like "$(finding tries)" '3 left \[card, empty VERIFY\]' 'older devices tell it another way'
pull
stop_pcscd
check sign
is "$status" 3 'without pcscd the token is not there'
done_testing
