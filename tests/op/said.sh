#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What verbs say to somebody who orders a certificate for the first time, and errs: names that fit twice, what is missing, what
# comes next.
# usage: said.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
mkdir -p "$work/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >"$work/softhsm2.conf"
export SOFTHSM2_CONF=$work/softhsm2.conf SIGNET_PIN=$test_pin SO_PIN=$test_so_pin
cd "$work" || exit 1

run() { # VERB…: without a terminal
  said=$(setsid -w "$signet" "$@" --module "$softhsm" 2>&1 </dev/null)
  status=$?
}
new() { run init new --label "$1" --new-so-pin env:SO_PIN --new-pin env:SIGNET_PIN --yes; }
make() { run keygen "$@" --pin env:SIGNET_PIN; }

new one
like "$status/$said" "^0/.*Next: signet keygen 'one'" 'a new token, and what comes next'
run init new --label two --yes
like "$status/$said" "^2/.*New SO PIN of 'two': there is no terminal" 'which PIN cannot be asked for is said'
new "it's"
like "$status/$said" "Next: signet keygen 'pkcs11:.*token=it%27s' --type" 'a label that a shell would cut is not given to it'
new twin
new twin
like "$status/$said" "Another token is named 'twin'.*Next: signet keygen 'pkcs11:" 'a label that another token has: the URI'

run keygen one --label x
like "$status/$said" '^2/.*--type is missing.*rsa:3072.*ec:P-384' 'what can stand there is said where it is missing'
make one --type ec:P-256 --label code
like "$status/$said" "^0/.*Next: signet csr '.*L=…" 'the next step names what every subject needs'
make one --type ec:P-256 --label code
make one --type ec:P-256 --label other
run csr 'pkcs11:token=one;object=code' --subject '/C=DE/L=a/O=a/CN=a' -o a.csr
like "$status/$said" '^2/.*more than one private key.*object=code.*object=code' 'a label of two keys: both are shown before a login'
result "$([[ $said != *object=other* ]]; echo $?)" 'and none that was not meant'
run csr 'pkcs11:token=one;object=none' --subject '/C=DE/L=a/O=a/CN=a' -o a.csr
like "$status/$(grep -o 'no such private key\|object=code\|object=other' <<<"$said" | sort -u | tr '\n' ' ')" \
  '^3/no such private key object=code object=other' 'a label of none: all are'
run delete 'pkcs11:token=one;object=none' --pin env:SIGNET_PIN
like "$status/$said" '^3/.*neither key nor certificate' 'nothing to delete'

run csr 'pkcs11:token=one;object=other' --subject '/C=DE/O=a/CN=a' -o a.csr --pin env:SIGNET_PIN
result "$(! grep -v "^signet: \|SHA-256" <<<"$said" | grep -q '.\{81\}'; echo $?)" 'findings within 80 columns'
run csr 'pkcs11:token=one;object=other' --subject '/C=DE/L=a/O=a/CN=a' -o a.csr --order order --pin env:SIGNET_PIN
is "$status" 0 'an order'
result "$(! grep -v SHA-256 order/README.txt order/token-report.txt | sed 's/^[^:]*://' | grep -q '.\{81\}'; echo $?)" 'its texts, too'
said=$("$signet" order list)
like "$said" '^order +made' 'listed as it is named'
said=$("$signet" order status order)
like "$said" "'pkcs11:" 'its URI can be copied to a shell'
openssl req -x509 -newkey rsa:2048 -noenc -subj '/CN=a' -keyout a.key -out a.pem 2>/dev/null
said=$("$signet" order attach order a.pem)
like "$said" 'proof.*no certificate for code signing' 'a certificate that is kept as a proof: why'

# Certificates of one key have one name: the fingerprint tells them apart. A profile's name is looked at before all else.
# shellcheck source=../lib/authority.sh
source "$tests/lib/authority.sh"
make_authority
for ends in 30 40; do
  answer order/csr.pem "$ends.pem"
  run import one "$ends.pem" --pin env:SIGNET_PIN
done
is "$status" 0 'two certificates of a key'
run delete 'pkcs11:token=one;object=other;type=cert' --pin env:SIGNET_PIN --yes
like "$status/$said" "^2/.*several certificates.*$(fingerprint 30.pem)" 'by one name: told with their fingerprints'
run delete 'pkcs11:token=one;object=other' --certificate "sha256:$(fingerprint 30.pem)" --pin env:SIGNET_PIN --yes
is "$status" 0 'the fingerprint names one'
result "$("$signet" objects one --module "$softhsm" | grep -q "$(fingerprint 40.pem)"; echo $?)" 'the other stays'
run delete 'pkcs11:token=one;object=other' --certificate "sha256:$(fingerprint 30.pem)" --pin env:SIGNET_PIN --yes
is "$status" 3 'one that is not there is not deleted'
run import one 30.pem --profile 'no name' --pin env:SIGNET_PIN
like "$status/$said" '^2/.*--profile, and nothing was stored' 'a name that no profile can have'
result "$("$signet" objects one --module "$softhsm" | grep -q "$(fingerprint 30.pem)" && echo 1 || echo 0)" 'and so it is'

# A token with many objects is listed at once: 64 certificates are looked at, and how many were not is said.
openssl x509 -in a.pem -outform DER -out a.der
token_tool one --write-object a.der --type cert --id 09 --label a
stored=$(find tokens -name '*.object' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
for ((i = 0; i < 69; i++)); do
  cp "$stored" "$(dirname "$stored")/$(cat /proc/sys/kernel/random/uuid).object"
done
run tokens
like "$said" '[0-9]+ more certificates were not looked at' 'more certificates than are read'
done_testing
