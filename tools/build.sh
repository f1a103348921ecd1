# SPDX-License-Identifier: MIT
# What ./run and ./test share: packages and builds. To be sourced; $root is the repository.
# shellcheck shell=bash disable=SC2034,SC2154
# All talk goes to stderr: the stdout of ./run is the data of fsherald.

export LC_ALL=C.UTF-8

# Of Debian 12. What cmake/dependencies.cmake and cmake/bpf.cmake look for; e2fsprogs makes the file system of `demo`.
build_packages=(
  g++ cmake ninja-build pkg-config clang bpftool linux-libc-dev
  libbpf-dev libelf-dev zlib1g-dev libmount-dev libblkid-dev libext2fs-dev comerr-dev
  libfmt-dev libcli11-dev libsqlite3-dev libtomlplusplus-dev libsystemd-dev e2fsprogs
)
# clang-19 and its libFuzzer are for the fuzz targets, the line with qemu for tests/kernels, spin for tests/model, the rest for
# the system tests.
test_packages=(
  libgtest-dev libgmock-dev nlohmann-json3-dev clang-19 libclang-rt-19-dev
  systemd libseccomp-dev libfuse3-dev fuse3 mount util-linux strace jq python3-minimal procps mandoc
  xfsprogs btrfs-progs squashfs-tools erofs-utils
  qemu-system-x86 busybox-static cpio kmod binutils dmsetup
  spin
)

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "$(basename -- "$0"): $*"
  exit 1
}

missing_packages() {
  local name state
  local -A installed=()
  while read -r name state; do
    [ "$state" = installed ] && installed[$name]=1
  done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null)
  for name in "$@"; do
    [ -n "${installed[$name]:-}" ] || printf '%s ' "$name"
  done
}

# need_packages NAME...: installs those that are missing.
need_packages() {
  command -v apt-get >/dev/null ||
    fail "this is not a Debian (no apt-get): install what these packages contain, then build with cmake: $*"
  local missing log
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  [ "$(id -u)" = 0 ] || fail "packages are missing, and only root can install them: apt-get install $missing"
  say "installing: $missing"
  log=$(mktemp)
  # shellcheck disable=SC2086 # one word for each package
  if ! { apt-get update &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    fail "apt-get could not install the packages above"
  fi
  rm -f "$log"
}

# is_configured PRESET: build/PRESET is ready for ninja, and of this repository where it stands now.
is_configured() {
  [ -e "$root/build/$1/build.ninja" ] &&
    grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$root/build/$1/CMakeCache.txt"
}

# configure PRESET [CMAKE ARGS...]: into build/PRESET, from the start if need be.
configure() {
  local preset=$1 dir="$root/build/$1" log fresh=()
  shift
  is_configured "$preset" || fresh=(--fresh)
  mkdir -p "$dir"
  log="$dir/configure.log"
  (cd "$root" && cmake --preset "$preset" "${fresh[@]}" "$@") >"$log" 2>&1 </dev/null || {
    cat "$log" >&2
    rm -f "$dir/build.ninja"
    fail "cmake could not configure build/$preset (above)"
  }
}

# build PRESET TARGET...: progress is shown on a terminal; elsewhere only what the compiler says of a failure.
build() {
  local preset=$1 quiet=(--quiet)
  shift
  [ -t 2 ] && quiet=()
  NINJA_STATUS="[%f/%t] " ninja -C "$root/build/$preset" "${quiet[@]}" "$@" >&2 </dev/null ||
    fail "the build of build/$preset failed (above)"
}
