#!/bin/sh
# Exports a model of every kind of layer as a header, and runs all of them as one program, as run.sh does:
# sh export.sh WRITE_KINDS UNROLL_EXPORT COMPILER FLAGS...
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
write=$1 export=$2
shift 2
passed=0
failed=0
mkdir "$work/models"
"$write" "$work/models"
echo "#include \"$here/exported.hpp\"" >"$work/main.cpp"
calls=
for file in "$work"/models/*; do
  name=$(basename "$file")
  case $name in
    refused_*)
      if "$export" "$file" "$work/refused.hpp" 2>"$work/said" || ! grep -q 'layer[0-9]*: .* cannot stream' "$work/said"; then
        echo "$name is not refused with a reason: $(cat "$work/said")"
        failed=$((failed + 1))
      else
        passed=$((passed + 1))
      fi
      ;;
    *)
      "$export" "$file" "$work/$name.hpp" --name "$name" >/dev/null
      echo "#include \"$name.hpp\"" >>"$work/main.cpp"
      calls="$calls + flaws_of($name::model, $name::test_input, $name::test_output)"
      ;;
  esac
done
echo "int main() { return 0$calls; }" >>"$work/main.cpp"
echo "$passed passed, $failed failed"
sh "$here/run.sh" "$work/main.cpp" "$@"
[ "$failed" -eq 0 ]
