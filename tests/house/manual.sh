#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The pages say what the programs do, and scdoc accepts them.
set -euo pipefail
source=${1:?usage: manual.sh SOURCE_FOLDER SIGNET SIGNET_BATCH}
"$source/man/update.sh" --check "$2" "$3"
for page in "$source"/man/*.scd; do
  scdoc <"$page" >/dev/null
done
