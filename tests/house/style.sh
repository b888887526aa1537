#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What can be counted of style: length of files and functions, form, first lines, scripts.
set -uo pipefail
cd "${1:?usage: style.sh SOURCE_FOLDER}" || exit
status=0
wrong() {
  echo "$1"
  status=1
}

mapfile -t sources < <(find core profiles tui tests -name '*.[ch]' | sort)
mapfile -t scripts < <(find tests .ci man -type f \( -name '*.sh' -o -name run \) | sort)
[[ ${#sources[@]} -gt 50 && ${#scripts[@]} -gt 5 ]] || wrong 'few sources found: this test looks in the wrong folder'

for file in "${sources[@]}"; do
  lines=$(wc -l <"$file")
  [[ $lines -le 900 ]] || wrong "$file has $lines lines; split it"
  head -n 1 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || wrong "$file does not begin with its licence"
done
ctags --languages=C --c-kinds=f --fields=+ne -f - "${sources[@]}" |
  awk -F'\t' '{
    first = last = 0
    for (i = 4; i <= NF; i++) { if ($i ~ /^line:/) first = substr($i, 6); if ($i ~ /^end:/) last = substr($i, 5) }
    if (last - first >= 120) { print $2 ":" first ": " $1 " has " last - first + 1 " lines; split it"; bad = 1 }
  } END { exit bad }' || status=1
clang-format --dry-run -Werror "${sources[@]}" || wrong 'clang-format -i would change something'
shellcheck -x "${scripts[@]}" || status=1
grep -rnwE 'TODO|FIXME|XXX' core profiles tui man && wrong 'unfinished work'
exit "$status"
