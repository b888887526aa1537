#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `meson install` puts where, and that the installed programs find each other.
set -uo pipefail
build=${1:?usage: install.sh BUILD_FOLDER}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
export HOME=$root XDG_CONFIG_HOME=$root/config XDG_STATE_HOME=$root/state
unset SIGNET_TOKEN
status=0
wrong() {
  echo "$1"
  status=1
}

DESTDIR=$root/dest meson install -C "$build" --no-rebuild >/dev/null || wrong 'meson install failed'
for file in bin/signet bin/signet-batch libexec/signet-token share/man/man1/signet.1 share/man/man1/signet-batch.1 \
  share/man/man5/signet-profile.5 lib/sysusers.d/signet.conf lib/tmpfiles.d/signet.conf \
  share/bash-completion/completions/signet share/bash-completion/completions/signet-batch; do
  find "$root/dest" -path "*/$file" | grep -q . || wrong "not installed: $file"
done

bin=$(dirname "$(find "$root/dest" -path '*/bin/signet')")
# Into a variable first: a grep that has seen enough would close the pipe under the program.
said=$("$bin/signet" --version)
[[ $said == 'signet '* ]] || wrong 'signet --version'
said=$("$bin/signet" verify --help)
[[ $said == *'signet-batch verify'* ]] || wrong 'signet does not pass a verb on to signet-batch'
said=$("$bin/signet" tokens --module /usr/lib/softhsm/libsofthsm2.so --json)
[[ $said == *libsofthsm2* ]] || wrong 'the installed signet cannot use the installed signet-token'
exit "$status"
