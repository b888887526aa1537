#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Timestamp servers and missing intermediates, as a profile names them: what check says, what is asked of whom.
# usage: servers.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/tsa.sh
source "$tests/lib/tsa.sh"

unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY
make_token test rsa:2048
export SIGNET_PIN=$test_pin
cd "$work" || exit
tsa_start || exit

# check PROFILE [OPTION]: $status, and the findings as level/text of a subject by `of`
check() {
  "$batch" check "$@" --json >said.json 2>said
  status=$?
}
of() { jq -r --arg subject "$1" '.findings[] | select(.subject == $subject) | .level + ": " + .text' said.json; }

make_profile plain "$softhsm" 01
check plain
is "$status/$(of timestamp)" 0/ 'no server, no word of them'

make_profile demanding "$softhsm" 01 'timestamp: {required: true}'
check demanding
is "$status" 2 'required without a server is a mistake of the profile'
like "$(of timestamp)" 'error: timestamp\.required is true, and no server is named' 'and is told so'

make_profile named "$softhsm" 01 "timestamp: {servers: [\"$tsa_url/good\", \"http://user:secret@127.0.0.1:1/x\"]}"
check named
is "$status" 0 'servers are reported'
is "$(of timestamp)" "ok: $tsa_url/good
ok: http://127.0.0.1:1/x, when those before it fail" 'in order, without a password'
is "$(tsa_count POST)" 0 'and none of them is asked'

make_profile soft "$softhsm" 01 "timestamp: {servers: [\"$tsa_url/status/503\", \"$tsa_dead\"], tries: 1, required: false}"
check soft
like "$(of timestamp)" 'signed without one' 'a profile that does not insist is told what that means'

printf 'no certificate\n' >bad.pem
make_profile noca "$softhsm" 01 "timestamp: {servers: [\"$tsa_url/good\"], ca: [$work/bad.pem]}"
check noca
is "$status" 2 'roots that cannot be read are a mistake of the profile'
like "$(of timestamp)" 'error: timestamp\.ca: .*bad\.pem' 'with the name of the file'

check named --trial
is "$status" 0 'the trial asks for a timestamp'
like "$(of timestamp)" "$tsa_url/good gave one, of 20" 'and gets one'
is "$(tsa_count 'POST /good$')" 1 'with one request'

check soft --trial
is "$status" 0 'no timestamp is a warning where none is required'
like "$(of timestamp)" 'warning: no timestamp after 1 try: .*HTTP status 503 Service Unavailable; .*no connection: Connection refused' \
  'that names each server and why'

make_profile hard "$softhsm" 01 "timestamp: {servers: [\"$tsa_url/hang\"], tries: 1, timeout: 1s}"
check hard --trial
is "$status" 7 'and an error where one is'
like "$(of timestamp)" 'error: .*no answer within 1 s' 'with the reason'

make_profile trusting "$softhsm" 01 "timestamp: {servers: [\"$tsa_url/stranger\", \"$tsa_url/good\"], ca: [$tsa_root]}"
check trusting --trial
like "$(of timestamp)" "ok: $tsa_url/good gave one" 'the answer must lead to timestamp.ca'
make_profile suspicious "$softhsm" 01 "timestamp: {servers: [\"$tsa_url/good\"], ca: [$work/ca.pem], tries: 1}"
check suspicious --trial
is "$status" 7 'another root is not enough'
make_profile pinned "$softhsm" 01 "timestamp: {servers: [\"$tsa_url/good\"], ca: [$tsa_folder/issuing.pem], tries: 1}"
check pinned --trial
is "$status" 0 'a CA below the root may be named instead of it'

make_profile proxied "$softhsm" 01 "timestamp: {servers: [\"http://stamps.invalid/good\"], proxy: \"$tsa_url\", tries: 1}"
check proxied --trial
is "$status/$(tsa_count 'POST http://stamps.invalid/good')" 0/1 'by the proxy of the profile'

make_profile tls "$softhsm" 01 "timestamp: {servers: [\"$tsa_tls/good\"], tries: 1}"
check tls --trial
is "$status" 7 'a server whose certificate nobody knows is not believed'
like "$(of timestamp)" 'TLS: ' 'for TLS'
SSL_CERT_FILE=$tsa_root check tls --trial
is "$status" 0 'and is, once its root is known'

# A leaf below an intermediate that only its address tells.
openssl req -new -newkey rsa:2048 -noenc -subj '/O=Test/CN=Far CA' -keyout far.key -out far.csr 2>/dev/null
openssl x509 -req -in far.csr -CA ca.pem -CAkey ca.key -days 300 -out far.pem 2>/dev/null \
  -extfile <(printf '%s\n' 'basicConstraints=critical,CA:TRUE' 'keyUsage=critical,keyCertSign' \
    "authorityInfoAccess=caIssuers;URI:$tsa_url/file/top.der")
openssl x509 -in far.pem -outform DER -out "$tsa_folder/far.der"
openssl x509 -in ca.pem -outform DER -out "$tsa_folder/top.der"
leaf() { # PATH: leaf.pem, whose issuer is said to be at that path of the server
  openssl req -new -key far.key -subj '/O=Test/CN=Far away' -out leaf.csr
  openssl x509 -req -in leaf.csr -force_pubkey 01.pub.pem -CA far.pem -CAkey far.key -days 500 -out leaf.pem 2>/dev/null \
    -extfile <(printf '%s\n' 'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' \
      'extendedKeyUsage=codeSigning' "authorityInfoAccess=caIssuers;URI:$tsa_url$1")
}
leaf /file/far.der
make_profile near "$softhsm" 01 "certificate: $work/leaf.pem"
check near
like "$(of chain)" "warning: it ends at '.*Far CA'" 'an issuer is missing'
is "$(tsa_count GET)" 0 'and not fetched without leave'
make_profile far "$softhsm" 01 "certificate: $work/leaf.pem" 'fetch-intermediates: true'
tsa_forget
check far
is "$status/$(tsa_count GET)/$(tsa_connections)" 0/2/1 'with leave it is, and the root above it, by one connection'
like "$(of chain)" 'ok: 2 certificates fetched' 'as is said'
like "$(of chain)" 'ok: complete: 2 below the root' 'the chain is complete'
tsa_forget
SSL_CERT_FILE=$work/ca.pem check far
is "$status/$(tsa_count GET)" 0/1 'a root that the system trusts is not fetched'

make_programs 1 0
"$batch" sign far -o out files/1.exe >said 2>&1
is "$?" 0 'signed with what was fetched'
osslsigncode extract-signature -in out/1.exe -out sig.der >/dev/null 2>&1
like "$(openssl pkcs7 -inform DER -in sig.der -print_certs -noout 2>&1)" 'CN *= *Far CA' 'the intermediate is in the signature'
like "$(osslsigncode verify -CAfile ca.pem -in out/1.exe 2>&1)" 'Signature verification: ok' 'which osslsigncode accepts'

for path in /status/404 /hang /garbage /page /endless /file/issuing.pem /drop; do
  leaf "$path"
  make_profile lost "$softhsm" 01 "certificate: $work/leaf.pem" 'fetch-intermediates: true' 'timestamp: {timeout: 1s}'
  check lost
  is "$status" 0 "$path: an issuer that cannot be had does not stop anything"
  like "$(of chain)" "warning: '.*Far CA' could not be fetched: " 'but is told'
done

tsa_stop
done_testing
