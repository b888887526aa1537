# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# For tests with a TPM as a token: swtpm, its resource manager on a D-Bus of the test's own, and tpm2-pkcs11, in namespaces of
# the test's own. Source it after fixture.sh and before all else: it starts the test anew inside. Everything in there ends with
# the test. The module is where tests/check.sh unpacks it.
# usage: source tpm.sh   (with the test's arguments)

tpm_module=$(find "$build/../build/unpacked" /usr/lib -name libtpm2_pkcs11.so.1 2>/dev/null | head -n 1)
if [[ -z $tpm_module ]]; then
  # shellcheck disable=SC2016
  result 1 'tpm2-pkcs11 is here: source tests/lib/packages.sh; packages_unpack build/unpacked "${packages_unpacked[@]}"'
  done_testing
fi

if [[ -z ${INSIDE:-} ]]; then
  rm -rf "$work"
  inside=(unshare --mount --ipc --pid --fork --kill-child --mount-proc)
  [[ $(id -u) == 0 ]] || inside+=(--map-root-user)
  INSIDE=1 exec "${inside[@]}" "$0" "$@"
fi
unset INSIDE

tpm_pids=()
# The last that was started ends first: what stands on it is gone then.
stop_tpm() {
  local i
  for ((i = ${#tpm_pids[@]} - 1; i >= 0; i--)); do
    kill "${tpm_pids[i]}" 2>/dev/null
    wait "${tpm_pids[i]}" 2>/dev/null
  done
}
trap 'stop_tpm; rm -rf "$work"' EXIT

tpm_serves() { pkcs11-tool --module "$tpm_module" -L 2>/dev/null | grep -q '^Slot'; }

# start_tpm: a TPM as it comes from the factory
start_tpm() {
  mkdir -p "$work/tpm" "$work/store"
  swtpm_setup --tpm2 --tpmstate "$work/tpm" >"$work/swtpm.log" 2>&1 || return
  swtpm socket --tpm2 --tpmstate "dir=$work/tpm" --server "type=unixio,path=$work/swtpm.sock" \
    --ctrl "type=unixio,path=$work/swtpm.sock.ctrl" --flags not-need-init,startup-clear >>"$work/swtpm.log" 2>&1 &
  tpm_pids+=($!)
  cat >"$work/bus.conf" <<BUS
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>custom</type>
  <listen>unix:path=$work/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
BUS
  dbus-daemon --config-file="$work/bus.conf" --nofork --nopidfile >"$work/bus.log" 2>&1 &
  tpm_pids+=($!)
  export DBUS_SESSION_BUS_ADDRESS=unix:path=$work/bus
  export TPM2_PKCS11_TCTI=tabrmd:bus_type=session TPM2_PKCS11_STORE=$work/store
  wait_for test -S "$work/bus" -a -S "$work/swtpm.sock" || return
  tpm2-abrmd --allow-root --session --tcti "swtpm:path=$work/swtpm.sock" >"$work/abrmd.log" 2>&1 &
  tpm_pids+=($!)
  wait_for tpm_serves
}
