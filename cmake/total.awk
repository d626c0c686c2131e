# Adds up what the programs in CTest's log report: doctest's cases, and lines `N passed, N failed`. A test that fails
# without saying so (a crash, nothing run) is one failure; one that passes and reports nothing is one success.
function number_before(word,   text) {
  text = $0
  sub(" *" word ".*", "", text)
  sub(".*[^0-9]", "", text)
  return text + 0
}
/ Testing: / { inside_passed = inside_failed = 0; inside = 1 }
/^\[doctest\] test cases:/ || /^[0-9]+ passed, [0-9]+ failed$/ {
  inside_passed += number_before("passed")
  inside_failed += number_before("failed")
}
# CTest calls a test passed whose program was never built.
/^Unable to find executable: / { missing = 1 }
/^Test Passed\.$/ && inside { finish(!missing && inside_passed + inside_failed == 0, missing) }
/^(Test Failed\.|Test Fail Reason:)$/ && inside { finish(0, inside_failed == 0 ? 1 : 0) }
function finish(more_passed, more_failed) {
  passed += inside_passed + more_passed
  failed += inside_failed + more_failed
  inside = missing = 0
}
END { printf "%d passed, %d failed\n", passed, failed }
