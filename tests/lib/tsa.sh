# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# A timestamp server for tests in shell; what it can answer is told in tests/lib/tsa.py. Source it after fixture.sh:
#   tsa_start            starts it, with its files in $work/tsa; sets
#                          $tsa_url   http://127.0.0.1:PORT, for "$tsa_url/good", "$tsa_url/busy/2" …
#                          $tsa_tls   the same with TLS (SSL_CERT_FILE=$tsa_root makes it trusted)
#                          $tsa_root  the root of its certificates, PEM
#                          $tsa_dead  a URL that nobody listens at
#   tsa_count PATTERN    how many requests came to paths that match (extended regular expression)
#   tsa_connections      how many connections it accepted, in both schemes
#   tsa_forget           counts from 0 again
#   tsa_stop             ends it; it also ends by itself, soon after the test

tsa_start() {
  local waited=0
  tsa_folder=$work/tsa
  rm -rf "$tsa_folder"
  "$tests/lib/tsa.py" "$tsa_folder" </dev/null >/dev/null 2>"$work/tsa.said" &
  tsa_pid=$!
  while [[ ! -s $tsa_folder/url ]]; do
    if ((waited++ > 300)) || ! kill -0 "$tsa_pid" 2>/dev/null; then
      echo "the timestamp server does not start: $(tail -n 1 "$work/tsa.said")" >&2
      return 1
    fi
    sleep 0.1
  done
  tsa_url=$(<"$tsa_folder/url")
  tsa_tls=$(<"$tsa_folder/tls-url")
  tsa_root=$tsa_folder/root.pem
  tsa_dead=http://127.0.0.1:1
}

tsa_count() { grep -cE "$1" "$tsa_folder/log"; }

tsa_connections() { wc -l <"$tsa_folder/connections"; }

tsa_forget() { : >"$tsa_folder/log" && : >"$tsa_folder/connections"; }

tsa_stop() {
  kill "$tsa_pid" 2>/dev/null
  wait "$tsa_pid" 2>/dev/null
}
