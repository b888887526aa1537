#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The console with real readers and a card in them: the scripts of cards/, in namespaces of the test's own (lib/cards.sh).
# --refresh writes the golden screens anew; look at their diff before you commit it.
# usage: cards.sh BUILD_FOLDER [--refresh]
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../lib/fixture.sh
source "$here/../lib/fixture.sh" "$1"
# shellcheck source=../lib/cards.sh
source "$tests/lib/cards.sh"
refresh=()
[[ ${2:-} != --refresh ]] || refresh=(--refresh)

start_pcscd
make_card "$work/card" 5.4.3
make_card_key "$work/card" 9a P-256
# A YubiKey's map of containers has one name, for the certificate in 9A.
{
  printf '\x81\x6b'
  printf 'p11#0123456789abcdef' | iconv -t UTF-16LE
  head -c 40 /dev/zero
  printf '\x9a\x02\x00\x01\x01\x01\x00'
  openssl dgst -sha1 -binary "$work/card/9a.der"
} >"$work/card/5fff10.object"
# The scripts' own hands: what the functions of cards.sh do here, they do from the terminal's side.
cat >"$work/insert" <<END
"$piv_card" 127.0.0.1 35963 "$work/card" </dev/null >/dev/null 2>&1 &
echo \$! >"$work/card.pid"
for i in \$(seq 600); do opensc-tool -l 2>/dev/null | grep -q '^0 *Yes' && exit; sleep 0.05; done
exit 1
END
cat >"$work/pull" <<END
kill \$(cat "$work/card.pid" 2>/dev/null) 2>/dev/null || true
END
cat >"$work/hold" <<END
rm -f "$work/held"
mkfifo "$work/held"
"$build/tests/card/holder" "$reader" shared <"$work/held" >"$work/holder.out" 2>&1 &
echo \$! >"$work/holder.pid"
exec 9>"$work/held"
sleep 600 >&9 9>&- </dev/null 2>&1 &
echo \$! >"$work/hold.pid"
for i in \$(seq 600); do grep -q held "$work/holder.out" && exit; sleep 0.05; done
exit 1
END
# What was told to end may be at the card, or at the readers, for a moment still.
cat >"$work/is-over" <<END
for i in \$(seq 600); do kill -0 "\$1" 2>/dev/null || exit 0; sleep 0.05; done
exit 1
END
cat >"$work/release" <<END
kill \$(cat "$work/hold.pid")
"$work/is-over" \$(cat "$work/holder.pid")
END
cat >"$work/stop-pcscd" <<END
kill $pcscd_pid
"$work/is-over" $pcscd_pid
rm -f /run/pcscd/pcscd.comm /run/pcscd/pcscd.pid
END
cat >"$work/start-pcscd" <<END
pcscd -f -i -c "$work/readers" </dev/null >/dev/null 2>&1 &
echo \$! >"$work/pcscd.pid"
END
# wrong-pin and by-puk: another program spends a try, and unblocks.
cat >"$work/wrong-pin" <<'END'
opensc-tool -r 0 -s 00:A4:04:00:05:A0:00:00:03:08 -s 00:20:00:80:08:39:39:39:39:39:39:FF:FF >/dev/null 2>&1
END
cat >"$work/by-puk" <<'END'
opensc-tool -r 0 -s 00:A4:04:00:05:A0:00:00:03:08 \
  -s 00:2C:00:80:10:31:32:33:34:35:36:37:38:31:32:33:34:35:36:FF:FF >/dev/null 2>&1
END
chmod +x "$work"/{insert,pull,hold,release,is-over,stop-pcscd,start-pcscd,wrong-pin,by-puk}

# Ten times blocked and opened again, by the console and by others: the figures follow.
# shellcheck disable=SC2016
{
  echo 'size 100x30'
  echo 'shell $WORK/insert'
  echo 'run $SIGNET --module $OPENSC'
  echo 'wait "PIN 3 of 3"'
  for _ in {1..10}; do
    printf '%s\n' 'key R' 'wait "PIN of"' 'type "888888"' 'key Enter' 'wait "refused the PIN"' 'wait "PIN 2 of 3"' \
      'shell $WORK/wrong-pin' 'key C' 'wait "PIN 1 of 3"' 'gone "PIN 2 of 3"' 'shell $WORK/wrong-pin' 'key C' \
      'wait "PIN BLOCKED"' 'gone "PIN 1 of 3"' 'wait "locked: "' 'shell $WORK/by-puk' 'key C' 'wait "PIN 3 of 3"' \
      'gone "BLOCKED"' 'gone "locked: "'
  done
  printf '%s\n' 'shell $WORK/pull' 'wait "No token here."' 'key q' 'exit 0' 'restored'
} >"$work/cycles.screen"

# A path of the same length on every machine.
cp "$opensc" "$work/card.so"
export WORK=$work SIGNET=$signet SIGNET_BATCH=$batch SOFTHSM=$softhsm OPENSC=$work/card.so
unset NO_COLOR TMUX DISPLAY WAYLAND_DISPLAY
make_token test
cd "$work" || exit

scripts=("$here"/cards/cards.screen "$work/cycles.screen" "$here"/cards/pulled.screen)
for verb in unblock containers doctor; do
  # Where this version has the verb.
  "$signet" "$verb" --help >/dev/null 2>&1 && scripts+=("$here/cards/$verb.screen")
done
for script in "${scripts[@]}"; do
  rm -rf "$work/config" "$work/state"
  "$work/pull"
  printf 3 >"$work/card/pin-left"
  said=$("$build/tests/screen/terminal" "${refresh[@]}" "$script" 2>&1)
  grep -v '^1\.\.\|^ok\|^not ok' <<<"$said"
  result "$(grep -q '^ok' <<<"$said"; echo $?)" "$(basename "$script")"
done
card_pid=$(cat "$work/card.pid" 2>/dev/null)
[[ ! -f $work/pcscd.pid ]] || pcscd_pid=$(cat "$work/pcscd.pid")
done_testing
