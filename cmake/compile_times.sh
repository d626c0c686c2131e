#!/bin/sh
# How long programs take to compile: sh cmake/compile_times.sh [--table | --record | --quick] [COMPILER]. Seconds of one
# processor, least of three (with --quick without those that take longest, and no more often than it takes to pass), and
# as a ratio to tests/compile_time/reference.cpp, compiled in between, header-only and with the compiled part. Fails
# where a ratio is above 1.2 x the one in tests/compile_time/expected.txt, which --record writes (what is mostly headers
# costs up to a quarter more of the reference on some processors: recorded is the middle), or where a compilation takes
# more than 500 MB in the second form. --table prints what each public header costs instead (docs/compile-times.md).
# Needs GNU time.
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
  tests/compile_time/all_headers.cpp"
# measure FORM [FLAG...]: all programs once
measure() {
  form=$1
  shift
  for program in tests/compile_time/reference.cpp $programs; do
    case $mode$form$program in quickheader-only*any_model* | quickheader-only*forecaster*) continue ;; esac
    echo "$(basename "$program" .cpp) $form $(seconds "$program" "$@")" >>"$work/all"
  done
}
report() {
  awk -v expected=tests/compile_time/expected.txt -v mode="$mode" '
    {
      key = $1 " " $2
      if (!(key in time)) order[++n] = key
      if (!(key in time) || $3 < time[key]) time[key] = $3
      if ($4 > memory[key]) memory[key] = $4
      if ($1 == "reference" && (!($2 in least) || $3 < least[$2])) least[$2] = $3
    }
    END {
      while ((getline line < expected) > 0) {
        split(line, field, " ")
        limit[field[1] " " field[2]] = 1.2 * field[3]
      }
      printf "%-16s %-12s %8s %8s %8s %8s\n", "program", "form", "s", "ratio", "at most", "MB"
      for (i = 1; i <= n; i++) {
        split(order[i], field, " ")
        if (field[1] == "reference") continue
        ratio = time[order[i]] / least[field[2]]  # the one compiled just before: processors change their speed
        most = order[i] in limit ? limit[order[i]] : 0
        printf "%-16s %-12s %8.2f %8.2f %8.2f %8d\n", field[1], field[2], time[order[i]], ratio, most, memory[order[i]]
        if (mode == "record") printf "%s %s %.2f\n", field[1], field[2], ratio >expected
        bad = ratio > most || (field[2] == "compiled" && memory[order[i]] > 500)
        failed += bad
        passed += !bad
      }
      for (form in least) printf "%-16s %-12s %8.2f\n", "reference", form, least[form]
      printf "%d passed, %d failed\n", passed, failed
      exit mode != "record" && failed > 0
    }' "$work/all"
}
passed=1
for round in 1 2 3; do
  measure header-only
  measure compiled $compiled
  report >"$work/report" && passed=0 || passed=1
  if [ $mode$passed = quick0 ]; then break; fi
done
cat "$work/report"
exit $passed
