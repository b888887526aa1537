#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each header compiles alone, and C++ guards aside, twice in one file.
set -uo pipefail
cd "${1:?usage: headers.sh SOURCE_FOLDER}" || exit
read -ra flags < <(pkg-config --cflags p11-kit-1 jansson libcrypto yaml-0.1 libpcsclite)
status=0
while read -r header; do
  printf '#include "%s"\n#include "%s"\n' "${header#core/}" "${header#core/}" |
    ${CC:-gcc} -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -Icore -I. "${flags[@]}" -fsyntax-only -x c - || {
    echo "$header does not compile alone"
    status=1
  }
done < <(find core profiles tui -name '*.h')
exit "$status"
