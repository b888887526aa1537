#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each room includes only what its layer may see, and names messages that spend a try only where that is its business.
set -uo pipefail
cd "${1:?usage: rooms.sh SOURCE_FOLDER}" || exit
status=0
wrong() {
  echo "$1"
  status=1
}

# folder, and the rooms whose headers it may include
rooms='
core/base      base
core/net       base net
core/wire      base wire
core/host      base wire host
core/token     base wire token
core/gate      base wire token gate
core/cert      base cert
core/sign      base net cert sign
core/op        base wire token gate cert sign op
profiles       base net wire token gate cert sign op profiles
tui            base cert op profiles tui
'
while read -r folder allowed; do
  [[ -n $folder ]] || continue
  while IFS=: read -r file line; do
    header=${line#*\"}
    header=${header%\"*}
    [[ $header == */* ]] || continue
    [[ " $allowed " == *" ${header%%/*} "* ]] || wrong "$file includes $header"
  done < <(grep -rHE '^#include "' "$folder" --include='*.[ch]')
done <<<"$rooms"

# Curses and YAML are of the programs; core prints nothing.
grep -rnE '#include <(n?curses|yaml)' core && wrong 'core knows no ncurses and no YAML'
grep -rnwE '(printf|puts|putchar|perror|vprintf)[[:space:]]*\(' core --include='*.c' | grep -vE '^core/host/(main|list)\.c' &&
  wrong 'core prints nothing'
grep -rlE 'PKCS11_CTX|libp11\.h' core profiles tui | grep -v '^core/host/pkcs11/p11\.c$' | grep -v 'meson.build' &&
  wrong 'libp11 has one file'
grep -rlE '#include <curl/' core profiles tui | grep -v '^core/net/http\.c$' && wrong 'libcurl has one file'
spending='WIRE_LOGIN|WIRE_SET_PIN|WIRE_INIT_PIN|WIRE_SIGN_LOGIN|WIRE_UNBLOCK|WIRE_INIT_TOKEN|WIRE_CARD_GENERATE|WIRE_CARD_STORE'
grep -rlE "\\b($spending)\\b" core profiles tui |
  grep -vE '^core/(wire|host|gate)/|^core/token/attempt\.[ch]$' && wrong 'a message that can spend a try, outside the gate'
exit "$status"
