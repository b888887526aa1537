#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What may link what (the architecture): curses stays out of signet-batch; modules, libp11 and PC/SC stay in
# signet-token, the network out of it; only the gate sends what can spend a try.
set -uo pipefail
build=${1:?usage: links.sh BUILD_FOLDER}
status=0
wrong() {
  echo "$1"
  status=1
}

needed() { readelf -d "$1" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p'; }
undefined() { nm -D --undefined-only "$1" | awk '{print $2}'; }

batch=$build/profiles/signet-batch signet=$build/tui/signet token=$build/core/host/signet-token

needed "$token" | grep -q '^libp11\.' || wrong 'signet-token does not link libp11: this test looks at the wrong file'
needed "$token" | grep '^libcurl' && wrong 'signet-token links libcurl: a driver needs no network of ours'
needed "$batch" | grep -q '^libcurl' || wrong 'signet-batch does not link libcurl: this test looks for the wrong name'
needed "$batch" | grep -E '^lib(n?curses|tinfo)' && wrong 'signet-batch links curses'
for program in "$batch" "$signet"; do
  needed "$program" | grep -E '^lib(p11|pcsclite)\.' && wrong "$program links what only signet-token may"
  undefined "$program" | grep -E '^(dlopen|dlmopen|p11_kit_module(s)?_(load|initialize).*|PKCS11_.*|SCard.*)(@|$)' &&
    wrong "$program can load a module into itself"
done

# The rooms, by the archives that meson makes of them.
senders=$(for archive in "$build"/core/*/lib*.a "$build"/profiles/lib*.a "$build"/tui/lib*.a; do
  nm -A --undefined-only "$archive" 2>/dev/null | grep -w attempt_send | sed 's/:.*//' | xargs -r -n 1 basename
done | sort -u)
[[ -f $build/tui/libtui.a ]] || wrong "the console's room is not where this test looks"
[[ $senders == libgate.a ]] || wrong "attempt_send is used by: ${senders:-nobody, not even the gate}"
exit "$status"
