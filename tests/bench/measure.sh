# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# For benchmarks in shell; source it after fixture.sh, in a folder of the test's own. A run that fails is no fast one: its command
# is named in the file `failed`, which measured_all judges.

: >failed

seconds() { # COMMAND…: wall-clock seconds of one run
  local start=$EPOCHREALTIME
  "$@" >/dev/null 2>&1 || echo "$1" >>failed
  awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.4f\n", b - a}'
}

least() { sort -n | head -n 1; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f\n", a / b}'; }
at_least() { # VALUE LIMIT NAME
  result "$(awk -v a="$1" -v b="$2" 'BEGIN {exit !(a >= b)}'; echo $?)" "$3: $1, at least $2"
}
at_most() { # VALUE LIMIT NAME
  result "$(awk -v a="$1" -v b="$2" 'BEGIN {exit !(a <= b)}'; echo $?)" "$3: $1, at most $2"
}

measured_all() { # NAME: since the last time
  is "$(<failed)" '' "$1: every run did what it should"
  : >failed
}
