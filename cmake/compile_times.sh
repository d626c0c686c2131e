#!/bin/sh
# How long programs take to compile: sh cmake/compile_times.sh [--table | --record | --quick] [COMPILER]. Seconds of one
# processor, least of three (with --quick without those that take longest, and only as often as each takes to pass, up
# to six times: other work beside it makes the compiler slower), and as a ratio to tests/compile_time/reference.cpp,
# compiled before and after, header-only and with the compiled part. Fails where a ratio is above 1.2 x the one in
# tests/compile_time/expected.txt, which --record writes (what is mostly headers costs up to a quarter more of the
# reference on some processors: recorded is the middle), or where a compilation takes more than 500 MB in the second
# form. --table prints what each public header costs instead (docs/compile-times.md). Needs GNU time.
set -eu
cd "$(dirname "$0")/.."
sh cmake/packages.sh time g++ libeigen3-dev nlohmann-json3-dev >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mode=check
case ${1-} in
  --table | --record | --quick) mode=${1#--} && shift ;;
esac
compiler=${1:-g++}
compile="$compiler -std=c++20 -O2 -DNDEBUG -Iinclude -isystem ${EIGEN_INCLUDE:-/usr/include/eigen3}"
compiled="-DUNROLL_COMPILED -DUNROLL_STATIC"

# seconds FILE [FLAG...]: of the processor, and megabytes
seconds() {
  file=$1
  shift
  env time -q -f '%U %S %M' -o "$work/time" $compile "$@" -c "$file" -o "$work/out.o" || return 1
  awk '{ printf "%.2f %d\n", $1 + $2, $3 / 1024 }' "$work/time"
}

if [ "$mode" = table ]; then
  echo "#include <Eigen/Core>" >"$work/header.cpp"
  echo "| header | header-only, s | with unroll::compiled, s |"
  echo "| --- | --- | --- |"
  eigen=$(seconds "$work/header.cpp" -fsyntax-only | cut -d ' ' -f 1)
  echo "| Eigen/Core | $eigen | $eigen |"
  (cd include && find unroll -name '*.hpp') | sort | while read -r header; do
    echo "#include <$header>" >"$work/header.cpp"
    echo "| $header | $(seconds "$work/header.cpp" -fsyntax-only | cut -d ' ' -f 1) |" \
      "$(seconds "$work/header.cpp" -fsyntax-only $compiled | cut -d ' ' -f 1) |"
  done
  exit 0
fi

programs="tests/docs/readme_1_train.cpp tests/compile_time/forecaster.cpp tests/compile_time/any_model.cpp
  tests/compile_time/any_layer.cpp tests/compile_time/all_headers.cpp"
# The programs in both forms, but those that are known to pass, with the reference before and after as many of them as
# take twice its time.
measure() {
  wanted=
  for form in header-only compiled; do
    for program in $programs; do
      name=$(basename "$program" .cpp)
      case $mode$form$name in quickheader-only*any_model | quickheader-only*any_layer | quickheader-only*forecaster) continue ;; esac
      if [ $mode = quick ] && grep -qx "$name $form" "$work/passed"; then continue; fi
      wanted="$wanted $form:$program"
    done
  done
  measure_reference
  for each in $wanted; do
    form=${each%%:*} program=${each#*:}
    [ $form = compiled ] && flags=$compiled || flags=
    line=$(seconds "$program" $flags)
    echo "$(basename "$program" .cpp) $form $line" >>"$work/all"
    since=$(echo "$since ${line% *}" | awk '{ print $1 + $2 }')
    if [ "${since%.*}" -ge "$((2 * ${reference%.*}))" ]; then measure_reference; fi
  done
  if [ "$since" != 0 ]; then measure_reference; fi
}
measure_reference() {
  reference=$(seconds tests/compile_time/reference.cpp)
  echo "reference - $reference" >>"$work/all"
  since=0
}
# The ratio of a program is that to the mean of the references before and after it, because processors change their speed;
# of several such ratios the least.
report() {
  awk -v expected=tests/compile_time/expected.txt -v mode="$mode" -v passing="$work/passed" '
    $1 == "reference" {
      for (k = 1; k <= waiting; k++) {
        value = wait_time[k] / ((last + $3) / 2)
        key = wait_key[k]
        if (!(key in ratio) || value < ratio[key]) ratio[key] = value
      }
      waiting = 0
      last = $3
      next
    }
    {
      key = $1 " " $2
      if (!(key in time)) order[++n] = key
      if (!(key in time) || $3 < time[key]) time[key] = $3
      if ($4 > memory[key]) memory[key] = $4
      wait_key[++waiting] = key
      wait_time[waiting] = $3
    }
    END {
      while ((getline line < expected) > 0) {
        split(line, field, " ")
        limit[field[1] " " field[2]] = 1.2 * field[3]
      }
      printf "%-16s %-12s %8s %8s %8s %8s\n", "program", "form", "s", "ratio", "at most", "MB"
      printf "" >passing
      for (i = 1; i <= n; i++) {
        split(order[i], field, " ")
        most = order[i] in limit ? limit[order[i]] : 0
        printf "%-16s %-12s %8.2f %8.2f %8.2f %8d\n", field[1], field[2], time[order[i]], ratio[order[i]], most, memory[order[i]]
        if (mode == "record") printf "%s %s %.2f\n", field[1], field[2], ratio[order[i]] >expected
        bad = ratio[order[i]] > most || (field[2] == "compiled" && memory[order[i]] > 500)
        if (!bad) print order[i] >passing
        failed += bad
        passed += !bad
      }
      printf "%d passed, %d failed\n", passed, failed
      exit mode != "record" && failed > 0
    }' "$work/all"
}
touch "$work/passed"
passed=1
rounds="1 2 3"
if [ $mode = quick ]; then rounds="$rounds 4 5 6"; fi
for round in $rounds; do
  measure
  report >"$work/report" && passed=0 || passed=1
  if [ $mode$passed = quick0 ]; then break; fi
done
cat "$work/report"
exit $passed
