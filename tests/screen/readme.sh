#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the screens of README.md anew, of a token made on the spot.
# usage: readme.sh BUILD_FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../lib/fixture.sh
source "$here/../lib/fixture.sh" "$1"
export HERE=$here/readme SIGNET=$signet SOFTHSM=$softhsm
make_token Release
token_tool Release --keypairgen --key-type rsa:3072 --label release --id 01 --usage-sign
make_certificate Release 01 'Example GmbH'
# No name of this machine on them, where that can be had.
command=("$build/tests/screen/terminal" "$here/readme/readme.screen")
if unshare --uts true 2>/dev/null; then
  # shellcheck disable=SC2016
  command=(unshare --uts sh -c 'hostname build01; exec "$@"' sh "${command[@]}")
fi
"${command[@]}"
