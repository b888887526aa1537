#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs that wait for others: a timestamp server that answers after 300 ms, and a token that takes 300 ms as well. How near the whole
# process comes to the floor, max(N t_sign / sessions, N t_tsa / K) and the fill of the pipeline. Writes
# bench-timestamps.json into the build folder.
# usage: timestamps.sh BUILD_FOLDER
set -uo pipefail
# shellcheck source=../lib/fixture.sh
source "$(dirname "$0")/../lib/fixture.sh" "$1"
# shellcheck source=../lib/tsa.sh
source "$tests/lib/tsa.sh"

files=60 pause=300 parallel=4
export SHIM_MODULE=$softhsm SIGNET_PIN=$test_pin
make_token test rsa:2048
tsa_start || exit 1
stamp="timestamp: {servers: [$tsa_url/good/$pause], parallel: $parallel}"
make_profile server "$softhsm" 01 'existing: replace' "$stamp"
make_profile both "$build/tests/lib/shim.so" 01 'existing: replace' "$stamp"
make_profile four "$build/tests/lib/shim.so" 01 'existing: replace' "$stamp" 'limits: {sessions: 4}'
make_programs "$files" 85000
cd "$work" || exit

# measure NAME FLOOR LIMIT COMMAND…: the best of two runs; $ratio is its part of the floor
measure() {
  local name=$1 floor=$2 limit=$3 start best=1000000 took i
  shift 3
  for i in 1 2; do
    start=$EPOCHREALTIME
    "$@" >said 2>&1
    result "$?" "$name: run $i"
    took=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN {printf "%d", (b - a) * 1000}')
    [[ $took -ge $best ]] || best=$took
  done
  ratio=$(awk -v a="$best" -v b="$floor" 'BEGIN {printf "%.3f", a / b}')
  result "$(awk -v a="$ratio" -v b="$limit" 'BEGIN {exit !(a <= b)}'; echo $?)" \
    "$name: $best ms, $ratio times its floor of $floor ms, at most $limit"
}

# The number of the requirements has no fill in its floor.
measure 'a slow server, four requests' $((files * pause / parallel)) 1.15 "$batch" sign server files/*.exe
server=$ratio
# shellcheck disable=SC2317
later() {
  rm -rf later
  "$batch" timestamp --server "$tsa_url/good/$pause" --parallel "$parallel" -o later files/*.exe
}
"$batch" sign server --no-timestamp files/*.exe >said 2>&1
measure 'timestamps later' $((files * pause / parallel)) 1.15 later
later=$ratio
export SHIM_CALL=C_Sign SHIM_ACTION=delay:$pause
measure 'a slow token too, one session' $((files * pause + pause)) 1.05 "$batch" sign both files/*.exe
both=$ratio
measure 'four sessions, four requests' $((files * pause / 4 + pause)) 1.15 "$batch" sign four files/*.exe
four=$ratio
"$batch" verify --ca ca.pem --tsa-ca "$tsa_root" files/*.exe >said 2>&1
is "$(grep -c '^good' said)" "$files" 'all are signed well'
printf '{"files":%s,"token-ms":%s,"server-ms":%s,"times-floor":{"server":%s,"later":%s,"token-and-server":%s,"four-sessions":%s}}\n' \
  "$files" "$pause" "$pause" "$server" "$later" "$both" "$four" >"$build/bench-timestamps.json"
tsa_stop
done_testing
