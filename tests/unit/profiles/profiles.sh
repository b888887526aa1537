#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Operations on profiles that look at a token: new, renew, pin store, on SoftHSM. PINs in here are test PINs.
# usage: profiles.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../../lib/fixture.sh
source "$(dirname "$0")/../../lib/fixture.sh" "$1"

profiles=$XDG_CONFIG_HOME/signet/profiles
try() { # ARGUMENT…: output in $said, status in $status
  said=$("$signet" "$@" --module "$softhsm" 2>&1)
  status=$?
}
fingerprint() { openssl x509 -in "$1" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr 'A-F' 'a-f'; }
value() { sed -n "s/^$2: *//p" "$profiles/$1.yaml" | tr -d '"'; } # NAME KEY

make_token test rsa:2048
one=sha256:$(fingerprint "$work/01.pem")

# One pair: it is taken.
try profile new release --pin env:SIGNET_PIN --description 'Example App' --chain "$work/ca.pem"
is "$status" 0 'new takes the only pair on the only token'
is "$(value release certificate)" "$one" 'the certificate by its fingerprint'
like "$(value release key)" '^pkcs11:.*serial=.*token=test;id=%01;type=private$' 'the key with serial, token and id'
is "$(value release module)" "$(realpath "$softhsm")" 'the module'
is "$(value release chain)" "[$work/ca.pem]" 'the chain, whole path'
like "$said" 'signet-batch check release' 'the next command is named'
SIGNET_PIN=$test_pin "$batch" check release --trial >/dev/null 2>&1
is "$?" 0 'and with it a signature is made'
before=$(cat "$profiles/release.yaml")
try profile new release
is "$status/$(cat "$profiles/release.yaml")" "2/$before" 'what is there is not overwritten'
try profile new release --yes --description 'Another App'
is "$status/$(value release description)" '0/Another App' '--yes replaces it'

# Keys by label, id and URI.
for key in key1 01 'pkcs11:token=test;id=%01'; do
  try profile new by-key --yes --key "$key" --pin env:SIGNET_PIN
  is "$status/$(value by-key certificate)" "0/$one" "--key $key"
done
try profile new by-key --yes --key none
is "$status" 3 'a key that is not there: exit 3'

# A certificate in a file: its key is found by the public key.
try profile new in-file --certificate "$work/01.pem" --pin env:SIGNET_PIN
is "$status/$(value in-file certificate)" "0/$work/01.pem" 'a certificate in a file'
like "$(value in-file key)" 'id=%01;type=private$' 'and the key it belongs to'
try profile new other-file --certificate "$work/ca.pem"
is "$status" 3 'a certificate that cannot sign code'
try profile new no-file --certificate "$work/none.pem"
is "$status" 2 'a file that is not there'

# Several pairs: a choice is asked for.
token_tool test --keypairgen --key-type rsa:2048 --label key2 --id 02 --usage-sign
make_certificate test 02 'Signer 2'
two=sha256:$(fingerprint "$work/02.pem")
try profile new several
is "$status" 2 'several pairs: exit 2'
like "$said" "$one.*$two|$two.*$one" 'and both are listed'
try profile new several --certificate "$two"
is "$status/$(value several certificate)" "0/$two" 'one is chosen by fingerprint'
like "$(value several key)" 'id=%02;' 'with its own key'
try profile new several --yes --certificate "$work/02.pem" --key key1
is "$status" 3 'a certificate of another key'
try profile new several --yes --certificate "${one/sha256:/sha256:00}"
is "$status" 2 'a fingerprint that is none'
try profile new several --yes --certificate "sha256:$(printf '0%.0s' {1..64})"
is "$status" 3 'a fingerprint of nothing that is here'

# The machine keeps token and PIN, the repository its files.
mkdir -p "$work/repository"
cp "$profiles/release.yaml" "$profiles/room.yaml"
try profile new app --use room --files 'dist/*.exe' --file "$work/repository/app.yaml"
is "$status" 0 'new --use --file'
is "$(grep -c 'pkcs11:\|sha256:\|pin' "$work/repository/app.yaml")" 0 'nothing of the token is in it'
try pin store "$work/repository/app.yaml" --pin env:SIGNET_PIN
is "$status" 2 'its PIN is not stored there'
like "$said" 'signet pin store room' 'but where it is used from'
try profile renew "$work/repository/app.yaml"
is "$status" 2 'nor is it renewed there'

try profile new app --use room --token test --file "$work/app.yaml"
is "$status" 2 '--use takes no --token'
like "$said" "--use takes the token from 'room'" 'and says so'
try profile new release.yaml
is "$status" 2 'a name with .yaml'
like "$said" "a profile's is release" 'is told what it should be'

# renew: the same subject, or the same key; comments stay.
make_written() { # CERTIFICATE
  printf '%s\n' '# by hand' 'signet: 1' 'key: "pkcs11:token=test;id=%01"   # the key' "certificate: $1" 'files: [a]' \
    >"$profiles/written.yaml"
}
make_written "$one"
try profile renew written
is "$status" 3 'renew without anything newer'
days=500 make_certificate test 01 'Signer 1'
newer=sha256:$(fingerprint "$work/01.pem")
try profile renew written
is "$status/$(value written certificate)" "0/$newer" 'renew moves to the newer certificate'
like "$said" "$one.*$newer" 'and says from which to which'
is "$(head -n 2 "$profiles/written.yaml")" $'# by hand\nsignet: 1' 'comments stay'
like "$(cat "$profiles/written.yaml")" '   # the key' 'in the middle of lines too'
token_tool test --keypairgen --key-type rsa:2048 --label key3 --id 03 --usage-sign
days=900 make_certificate test 03 'Signer 1'
echo 'container: {name: "p11#old"}' >>"$profiles/written.yaml"
try profile renew written
like "$said" "container 'p11#old' is that of the old key.*because SoftHSM" 'the container is the old key'"'"'s'
is "$(grep -c container "$profiles/written.yaml")" 0 'and is taken out'
is "$status/$(value written certificate)" "0/sha256:$(fingerprint "$work/03.pem")" 'another key, the same subject'
like "$(value written key)" 'id=%03;' 'with that key'
days=950 make_certificate test 02 'Somebody else'
try profile renew written
is "$status" 3 'a newer certificate of somebody else is not taken'
try profile renew written --certificate "sha256:$(fingerprint "$work/02.pem")"
is "$status" 0 'unless it is named'
make_written "sha256:$(printf '0%.0s' {1..64})"
sed -i '/^key/d' "$profiles/written.yaml"
try profile renew written
is "$status" 2 'where nothing is known of the old one, a choice is asked for'

# The profile's module is the one that is asked, and no other.
make_profile elsewhere "$build/tests/lib/shim.so" 01
export SHIM_LOG=$work/shim.log
: >"$SHIM_LOG"
SIGNET_PIN=$test_pin "$signet" pin store elsewhere --pin env:SIGNET_PIN >/dev/null 2>&1
is "$?/$(grep -c C_Login "$SHIM_LOG")" 0/1 'pin store goes through the module of the profile'
is "$(value elsewhere pin)" "file:$XDG_CONFIG_HOME/signet/pins/elsewhere.pin" 'the profile names the file'
is "$(stat -c %a "$XDG_CONFIG_HOME/signet/pins/elsewhere.pin")" 600 'of mode 0600'
before=$(cat "$profiles/elsewhere.yaml")
: >"$SHIM_LOG"
SIGNET_PIN=$test_pin "$signet" pin store elsewhere --pin env:SIGNET_PIN </dev/null >/dev/null 2>&1
is "$?/$(grep -c C_Login "$SHIM_LOG")" 2/0 'a stored PIN is not replaced unasked'
SIGNET_PIN=wrong-pin-99 setsid "$signet" pin store elsewhere --yes --pin env:SIGNET_PIN >/dev/null 2>&1 </dev/null
is "$?/$(grep -c C_Login "$SHIM_LOG")" 4/1 'a wrong PIN is tried once'
is "$(cat "$profiles/elsewhere.yaml")/$(cat "$XDG_CONFIG_HOME/signet/pins/elsewhere.pin")" "$before/$test_pin" \
  'and nothing is written'
printf '{signet: 1, key: "pkcs11:token=test;id=%%01", module: %s}\n' "$build/tests/lib/shim.so" >"$profiles/flow.yaml"
: >"$SHIM_LOG"
SIGNET_PIN=$test_pin "$signet" pin store flow --pin env:SIGNET_PIN >/dev/null 2>&1
is "$?/$(grep -c C_Login "$SHIM_LOG")" 2/0 'a profile that cannot be changed is known before the login'
done_testing
