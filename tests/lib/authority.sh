# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# A CA for tests: a root ($work/root.pem) and an issuing CA below it ($work/issuing.pem). Source it after fixture.sh.

make_authority() {
  openssl req -x509 -newkey rsa:2048 -noenc -days 3650 -subj '/O=Test/CN=Test Root' \
    -addext 'keyUsage=critical,keyCertSign,cRLSign' -keyout "$work/root.key" -out "$work/root.pem" 2>/dev/null
  make_issuing 'Test Issuing CA' issuing
  mkdir -p "$work/authority"
  printf '%s\n' '[ca]' 'default_ca = one' '[one]' "database = $work/authority/index" 'rand_serial = yes' \
    "new_certs_dir = $work/authority" 'default_md = sha256' 'policy = any' 'unique_subject = no' '[any]' \
    'countryName = optional' 'stateOrProvinceName = optional' 'localityName = optional' 'organizationName = optional' \
    'commonName = supplied' >"$work/authority/conf"
}

# make_issuing NAME FILE: an issuing CA: $work/FILE.pem, and its key
make_issuing() {
  openssl req -new -newkey rsa:2048 -noenc -subj "/O=Test/CN=$1" -keyout "$work/$2.key" -out "$work/$2.csr" 2>/dev/null
  openssl x509 -req -in "$work/$2.csr" -CA "$work/root.pem" -CAkey "$work/root.key" -days 3000 -out "$work/$2.pem" \
    -extfile <(printf '%s\n' 'basicConstraints=critical,CA:TRUE,pathlen:0' 'keyUsage=critical,keyCertSign,cRLSign') 2>/dev/null
}

# when DAYS: so many days from now, as openssl ca wants it
when() { date -u -d "now + $1 days" +%Y%m%d%H%M%SZ; }

# answer CSR OUT: the CA's certificate in PEM; $starts (-1) and $ends (400) in days from now, $purpose (codeSigning) and
# $issuer (issuing) may be set
answer() {
  local by=${issuer:-issuing}
  : >"$work/authority/index"
  printf '%s\n' 'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' \
    'subjectKeyIdentifier=hash' "extendedKeyUsage=${purpose:-codeSigning}" >"$work/authority/extensions"
  openssl ca -config "$work/authority/conf" -batch -notext -in "$1" -cert "$work/$by.pem" -keyfile "$work/$by.key" \
    -startdate "$(when "${starts:--1}")" -enddate "$(when "${ends:-400}")" -extfile "$work/authority/extensions" \
    -out "$2" 2>"$work/authority/said" || cat "$work/authority/said"
}

# issue KEY NAME OUT: the same for a private key in a file
issue() {
  openssl req -new -key "$1" -subj "/O=Test/CN=$2" -out "$work/authority/request"
  answer "$work/authority/request" "$3"
}

fingerprint() { openssl x509 -in "$1" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f; }
