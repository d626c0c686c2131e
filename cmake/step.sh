# For scripts that run many checks: . cmake/step.sh. Output of step NAME goes to $logs/NAME.log.
# A check says how much it checked in its last line `N passed, N failed`. One that fails without saying so, or that
# checks nothing, counts as a failure. Steps may run side by side, as `step .. & step .. & wait`.
mkdir -p "$logs"
: >"$logs/counts"
started=$(date +%s)

# step NAME COMMAND...
step() {
  step_name=$1
  step_started=$(date +%s)
  step_status=0
  shift
  "$@" >"$logs/$step_name.log" 2>&1 </dev/null || step_status=$?
  counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$logs/$step_name.log" | tail -n 1)
  counts=${counts:-0 0}
  step_passed=${counts% *}
  step_failed=${counts#* }
  if [ "$step_failed" -eq 0 ]; then
    if [ "$step_status" -ne 0 ] || [ "$step_passed" -eq 0 ]; then step_failed=1; fi
  fi
  if [ "$step_failed" -gt 0 ]; then
    echo "---- $step_name failed; the end of its output:"
    tail -n "${UNROLL_LOG_LINES:-150}" "$logs/$step_name.log"
    echo "----"
  fi
  echo "$step_passed $step_failed" >>"$logs/counts"
  printf '%-28s %5d passed %5d failed %5d s\n' "$step_name" "$step_passed" "$step_failed" \
    $(($(date +%s) - step_started))
}

# Ends the script with the total.
finish() {
  echo "took $(($(date +%s) - started)) s"
  awk '{ passed += $1; failed += $2 } END { print passed + 0 " passed, " failed + 0 " failed"; exit failed > 0 }' "$logs/counts"
  exit
}
