#!/bin/sh
# The program for other processors, run under qemu: sh cross.sh. Needs, on Debian: qemu-user g++-aarch64-linux-gnu
# g++-arm-linux-gnueabihf, and qemu-system-arm gcc-arm-none-eabi libnewlib-arm-none-eabi
# libstdc++-arm-none-eabi-newlib. Prints what it takes of a Cortex-M4.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-std=c++20 -I../../include -isystem ${EIGEN_INCLUDE:-/usr/include/eigen3} -DNDEBUG -fno-exceptions -fno-rtti"
passed=0
failed=0
check() {
  name=$1
  shift
  status=0
  "$@" || status=$?
  if [ $status -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "$name: ends with $status"; fi
}
aarch64-linux-gnu-g++ $flags -O2 -static main.cpp -o "$work/aarch64"
check aarch64 qemu-aarch64 "$work/aarch64"
arm-linux-gnueabihf-g++ $flags -O2 -mfpu=neon -static main.cpp -o "$work/armv7"
check armv7 qemu-arm "$work/armv7"
arm-none-eabi-g++ $flags -DUNROLL_PLAIN_KERNELS -Os -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard \
  -ffunction-sections -fdata-sections -nostartfiles -Wl,--gc-sections -T cortex_m.ld --specs=nano.specs \
  --specs=nosys.specs main.cpp cortex_m.cpp -o "$work/cortex_m"
arm-none-eabi-size "$work/cortex_m"
check cortex-m timeout 60 qemu-system-arm -M mps2-an386 -nographic -semihosting -kernel "$work/cortex_m"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
