# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The practice token: SoftHSM in a folder of its own, with a key and a certificate by a CA made on the spot.
# Its PIN is a practice PIN and guards nothing.

practice_pin=practice-1234
practice_so_pin=practice-so-1234
practice_module=/usr/lib/softhsm/libsofthsm2.so

# practice_open FOLDER: points this shell at the practice token, and writes FOLDER/environment for others.
practice_open() {
  PRACTICE=$1
  mkdir -p "$PRACTICE/tokens" "$PRACTICE/signed"
  cat >"$PRACTICE/softhsm2.conf" <<CONF
directories.tokendir = $PRACTICE/tokens
objectstore.backend = file
log.level = ERROR
CONF
  cat >"$PRACTICE/environment" <<ENV
# Points a shell at Signet's practice token. The PIN is a practice PIN.
export SOFTHSM2_CONF='$PRACTICE/softhsm2.conf'
export XDG_CONFIG_HOME='$PRACTICE/config'
export XDG_STATE_HOME='$PRACTICE/state'
export SIGNET_PIN='$practice_pin'
export PATH='$PRACTICE/../tui:$PRACTICE/../profiles':"\$PATH"
ENV
  # shellcheck source=/dev/null
  source "$PRACTICE/environment"
}

practice_token_missing() {
  [[ ! -f $PRACTICE/leaf.der ]]
}

# practice_make: the token, the key, the certificate. What an interrupted run left goes first.
practice_make() {
  rm -rf "$PRACTICE/tokens" "$PRACTICE/config" "$PRACTICE/state"
  mkdir -p "$PRACTICE/tokens"
  softhsm2-util --init-token --free --label practice --pin "$practice_pin" --so-pin "$practice_so_pin"
  practice_tool --keypairgen --key-type rsa:3072 --label practice --id 01 --usage-sign
  practice_tool --read-object --type pubkey --id 01 --output-file "$PRACTICE/public.der"
  practice_issue
  practice_tool --write-object "$PRACTICE/leaf.tmp" --type cert --id 01 --label practice
  mv "$PRACTICE/leaf.tmp" "$PRACTICE/leaf.der"
}

practice_tool() {
  pkcs11-tool --module "$practice_module" --token-label practice --login --pin "$practice_pin" "$@"
}

# practice_issue: a CA with a key in a file, and its certificate for the token's key.
practice_issue() {
  openssl req -x509 -newkey rsa:3072 -noenc -sha256 -days 3650 -subj '/O=Practice/CN=Practice CA' \
    -addext 'keyUsage=critical,keyCertSign,cRLSign' -keyout "$PRACTICE/ca.key" -out "$PRACTICE/ca.pem"
  openssl req -new -key "$PRACTICE/ca.key" -subj '/O=Practice/CN=Practice code signing' -out "$PRACTICE/leaf.csr"
  openssl pkey -pubin -inform DER -in "$PRACTICE/public.der" -out "$PRACTICE/public.pem"
  openssl x509 -req -in "$PRACTICE/leaf.csr" -force_pubkey "$PRACTICE/public.pem" \
    -CA "$PRACTICE/ca.pem" -CAkey "$PRACTICE/ca.key" -days 365 -sha256 -outform DER -out "$PRACTICE/leaf.tmp" \
    -extfile <(printf '%s\n' 'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' \
      'extendedKeyUsage=codeSigning' 'subjectKeyIdentifier=hash' 'authorityKeyIdentifier=keyid')
}

# practice_program FILE: a real Windows program.
practice_program() {
  [[ ! -f $1 ]] || return 0
  printf '%s\n' '#include <stdio.h>' 'int main(void) { return puts("Hello from Signet") < 0; }' >"$PRACTICE/hello.c"
  x86_64-w64-mingw32-gcc -O2 -s -o "$1" "$PRACTICE/hello.c"
}
