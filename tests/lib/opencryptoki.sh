# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# For tests with opencryptoki's software token, whose flags go LOW, FINAL_TRY and LOCKED for real: pkcsslotd and its folders
# in namespaces of the test's own. Source it after fixture.sh and before all else: it starts the test anew inside.
# Everything in there ends with the test. PINs in here are test PINs.
# usage: source opencryptoki.sh   (with the test's arguments)

if [[ -z ${INSIDE:-} ]]; then
  rm -rf "$work"
  inside=(unshare --mount --ipc --pid --fork --kill-child --mount-proc)
  [[ $(id -u) == 0 ]] || inside+=(--map-root-user)
  INSIDE=1 exec "${inside[@]}" "$0" "$@"
fi
unset INSIDE

opencryptoki=$(find /usr/lib -name PKCS11_API.so | head -n 1)
oc_pin=7654321 oc_so_pin=76543210
slotd_pid=''
trap 'kill "$slotd_pid" 2>/dev/null; wait "$slotd_pid" 2>/dev/null; rm -rf "$work"' EXIT

# Its folders have their places compiled in.
private_folder() { # FOLDER SUBFOLDER
  mount -t tmpfs tmpfs "$1" && mkdir -p "$1/$2" && chgrp -R pkcs11 "$1" && chmod -R 770 "$1"
}

is_serving() { pkcs11-tool --module "$opencryptoki" -L 2>/dev/null | grep -q 'token'; }

# start_slotd: the daemon with the software token alone; with a second one in slot 1 where $oc_twin names it
start_slotd() {
  # Its shared memory has one name everywhere, too.
  mount -t tmpfs tmpfs /dev/shm
  private_folder /run lock/opencryptoki/swtok
  [[ -L /var/lock ]] || private_folder /var/lock opencryptoki/swtok
  mkdir -p /run/opencryptoki
  private_folder /var/lib/opencryptoki swtok/TOK_OBJ
  if [[ -n ${oc_twin:-} ]]; then
    mkdir -p "/var/lock/opencryptoki/$oc_twin" "/var/lib/opencryptoki/$oc_twin/TOK_OBJ"
    chgrp -R pkcs11 /var/lock/opencryptoki "/var/lib/opencryptoki/$oc_twin"
    chmod -R 770 /var/lock/opencryptoki "/var/lib/opencryptoki/$oc_twin"
  fi
  printf '%s\n' 'version opencryptoki-3.1' 'slot 0' '{' 'stdll = libpkcs11_sw.so' '}' >"$work/opencryptoki.conf"
  [[ -z ${oc_twin:-} ]] ||
    printf '%s\n' 'slot 1' '{' 'stdll = libpkcs11_sw.so' "tokname = $oc_twin" '}' >>"$work/opencryptoki.conf"
  mount --bind "$work/opencryptoki.conf" /etc/opencryptoki/opencryptoki.conf
  pkcsslotd -f >"$work/slotd.log" 2>&1 &
  slotd_pid=$!
  wait_for is_serving
}

oc_tool() { pkcs11-tool --module "$opencryptoki" "$@" >/dev/null 2>&1; }

has_user_pin() { pkcs11-tool --module "$opencryptoki" -L 2>/dev/null | grep -q 'PIN initialized'; }

# make_oc_token LABEL: a token with both PINs set; its SO PIN must be changed once before it does anything
make_oc_token() {
  oc_tool --slot-index 0 --init-token --label "$1" --so-pin 87654321 &&
    oc_tool --login --login-type so --so-pin 87654321 --change-pin --new-pin "$oc_so_pin" &&
    oc_tool --login --login-type so --so-pin "$oc_so_pin" --init-pin --pin "$oc_pin" && has_user_pin && return
  echo '# the token could not be made'
  return 1
}

# spend_try: a wrong PIN, by a program that is not ours
spend_try() { oc_tool --login --pin 99999999 -O || true; }
