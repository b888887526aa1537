#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The parts of the pages between `; begin: WHAT` and `; end` come from the programs' own tables.
# usage: man/update.sh SIGNET SIGNET_BATCH           writes them anew
#        man/update.sh --check SIGNET SIGNET_BATCH   fails when a page is stale
set -euo pipefail
check=
if [[ ${1:-} == --check ]]; then
  check=1
  shift
fi
signet=$(realpath "$1") batch=$(realpath "$2")
cd "$(dirname "$0")"

generated() { # WHAT: the text that belongs there now
  case $1 in
    signet) "$signet" --manual ;;
    signet-batch) "$batch" --manual ;;
    profile) "$signet" --manual profile ;;
    keys) "$signet" --manual keys ;;
    *) echo "no such part: $1" >&2 && return 1 ;;
  esac
}

status=0
for page in *.scd; do
  fresh=$(mktemp)
  inside=
  while IFS= read -r line; do
    if [[ $line == '; end' ]]; then inside=; fi
    [[ -n $inside ]] || printf '%s\n' "$line"
    if [[ $line == '; begin: '* ]]; then
      inside=1
      generated "${line#; begin: }"
    fi
  done <"$page" >"$fresh"
  if cmp -s "$page" "$fresh"; then
    rm "$fresh"
  elif [[ -n $check ]]; then
    diff -u "$page" "$fresh" || true
    echo "$page is stale; run man/update.sh build/tui/signet build/profiles/signet-batch"
    rm "$fresh"
    status=1
  else
    cat "$fresh" >"$page"
    rm "$fresh"
    echo "$page written"
  fi
done
exit "$status"
