#!/bin/sh
# Shows that a clone works on a machine that has nothing: makes a minimal Debian 12 in a temporary folder from this
# machine's own apt sources, installs git there, clones this repository (what is committed) and runs the README's three
# commands. Run as root: sh cmake/bare-machine.sh [SCRIPT...], by default cmake/demo.sh, test.sh and benchmark.sh.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "bare-machine.sh: needs root" >&2; exit 1; }
[ $# -gt 0 ] || set -- cmake/demo.sh cmake/test.sh cmake/benchmark.sh
sh cmake/packages.sh mmdebstrap

work=$(mktemp -d "${TMPDIR:-/var/tmp}/unroll-bare-machine.XXXXXX")
root=$work/root
clean_up() {
  for place in proc dev; do
    ! grep -q " $root/$place " /proc/mounts || umount "$root/$place"
  done
  # Nothing is removed while something is still mounted inside.
  grep -q " $root/" /proc/mounts || rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

sources=$(find /etc/apt -maxdepth 2 '(' -name '*.list' -o -name '*.sources' ')')
apt-config dump | grep -E '^Acquire::(http|https|Check|Retries)' >"$work/apt.conf" || true

echo "== a minimal Debian 12 in $root"
mmdebstrap --quiet --mode=root --variant=apt --aptopt="$work/apt.conf" --include=git bookworm "$root" $sources
grep -q " $root/proc " /proc/mounts || mount -t proc proc "$root/proc"
[ -e "$root/dev/null" ] || mount --bind /dev "$root/dev"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp --preserve=mode,timestamps "$work/apt.conf" "$root/etc/apt/apt.conf.d/99host"
git clone --quiet --bare . "$root/srv/unroll.git"

inside() {
  chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root UNROLL_JOBS="${UNROLL_JOBS:-$(nproc)}" \
    "$@" </dev/null
}
inside git clone --quiet /srv/unroll.git /root/unroll
for script; do
  echo "== $script in the bare machine"
  start=$(date +%s)
  inside sh "/root/unroll/$script"
  echo "== $script took $(($(date +%s) - start)) s"
done
echo "bare machine: all of $* passed"
