#!/bin/sh
# Makes sure that Debian packages are there: sh cmake/packages.sh [PACKAGE...], without arguments all that is needed to
# build everything. Installs what is missing on Debian and its relatives; elsewhere it names what is missing and stops
# (UNROLL_PACKAGES=skip goes on regardless).
set -eu

[ "${UNROLL_PACKAGES-}" != skip ] || exit 0
[ $# -gt 0 ] || set -- g++ cmake ninja-build libeigen3-dev nlohmann-json3-dev doctest-dev libcli11-dev zlib1g-dev \
  libbenchmark-dev libsndfile1-dev

has_header() {
  for directory in /usr/include /usr/local/include /opt/homebrew/include; do
    [ ! -e "$directory/$1" ] || return 0
  done
  return 1
}

has_package() {
  case $1 in
    g++) command -v c++ || command -v g++ ;;
    ninja-build) command -v ninja ;;
    libeigen3-dev) has_header eigen3/Eigen/Core || has_header Eigen/Core ;;
    nlohmann-json3-dev) has_header nlohmann/json.hpp ;;
    doctest-dev) has_header doctest/doctest.h ;;
    libcli11-dev) has_header CLI/CLI.hpp ;;
    zlib1g-dev) has_header zlib.h ;;
    libsndfile1-dev) has_header sndfile.h ;;
    libbenchmark-dev) has_header benchmark/benchmark.h ;;
    clang-[0-9]*) command -v "clang++${1#clang}" ;;
    libclang-rt-*-dev) ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a ;;
    python3-pip) command -v pip3 ;;
    python3-venv) python3 -c 'import ensurepip' ;;
    *) command -v "$1" ;;
  esac >/dev/null
}

missing=
for package; do
  has_package "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "These packages (Debian's names) are missing, and this script can install them on Debian only:$missing" >&2
  exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Missing:$missing. Neither root nor sudo here; as root, run: apt-get install$missing" >&2
    exit 1
  fi
  as_root=sudo
fi

echo "== installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $as_root apt-get update &&
       $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
         -o DPkg::Lock::Timeout=300 $missing; } >"$log" 2>&1 </dev/null; then
  cat "$log" >&2
  echo "could not install$missing" >&2
  exit 1
fi
