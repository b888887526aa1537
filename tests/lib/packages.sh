# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# What Signet needs on Debian 12: to be built and tried, and beyond that to be tested.

packages_build=(
  gcc libc6-dev meson ninja-build pkg-config
  libssl-dev libp11-dev libp11-kit-dev libpcsclite-dev zlib1g-dev libyaml-dev libjansson-dev libncurses-dev libcurl4-openssl-dev
  libcmocka-dev scdoc
)

# The practice token, and a program to sign.
packages_practice=(softhsm2 opensc openssl gcc-mingw-w64-x86-64-win32)

# Judges that are not ours, other compilers, and what looks at the code.
packages_test=(
  p11-kit p11-kit-modules opensc-pkcs11 osslsigncode sbsigntool libengine-pkcs11-openssl opencryptoki ykcs11
  gcc-mingw-w64-i686-win32 clang libclang-rt-14-dev llvm binutils python3 procps util-linux time
  wixl msitools libgsf-bin gcab cabextract
  gnutls-bin shellcheck universal-ctags clang-format libvterm-dev pcscd libccid vsmartcard-vpcd iproute2 xxd jq
)

# A TPM as a token (tests/lib/tpm.sh). Its module would register itself for every program of the machine, so that one is only
# unpacked.
packages_tpm=(
  swtpm swtpm-tools tpm2-abrmd libtss2-tcti-tabrmd0 libtss2-tcti-swtpm0 libtss2-fapi1 libtss2-rc0 libsqlite3-0 dbus
)
packages_unpacked=(libtpm2-pkcs11-1)

# packages_install NAME…: installs what is missing, as root or by sudo; says which.
packages_install() {
  local missing=() name root=()
  for name in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null) == ii* ]] || missing+=("$name")
  done
  [[ ${#missing[@]} != 0 ]] || return 0
  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || {
      echo "missing packages: ${missing[*]}; install them as root" >&2
      return 1
    }
    root=(sudo)
  fi
  echo "installing: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  "${root[@]}" apt-get update -qq
  "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# packages_unpack FOLDER NAME…: the files of packages, below FOLDER; nothing is installed
packages_unpack() {
  local folder=$1 name
  shift
  mkdir -p "$folder"
  for name in "$@"; do
    [[ -e $folder/$name.done ]] && continue
    (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root "$name" && dpkg-deb -x "$name"_*.deb . && rm "$name"_*.deb) || return
    : >"$folder/$name.done"
  done
}
