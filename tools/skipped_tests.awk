# SPDX-License-Identifier: MIT
# Usage: awk -f skipped_tests.awk CTEST_OUTPUT LASTTEST_LOG
# Prints "skipped: TEST: REASON" for each test that did not run, GoogleTest's and ctest's own, then how many they are.
# ctest takes a GoogleTest program for passed, however many of its tests were skipped: they stand in its output only.
# And it takes one for skipped whose other tests failed (SKIP_REGULAR_EXPRESSION): that ends with exit code 1.

# ctest's last words: "  7 - name (Skipped)".
FNR == NR {
  if ($NF == "(Skipped)" || $NF == "(Disabled)") not_run[$3] = 1
  next
}

/^[0-9]+\/[0-9]+ Testing: / {
  test = $3
  in_output = 0
  named = 0
  failed = 0
  said = ""
}
/^\[ RUN      \] / {
  reason = ""
  in_reason = 0
}
/: Skipped$/ {
  in_reason = 1
  next
}
# "[  SKIPPED ] Suite.Test (3 ms)"; the list at the end of the output has no time.
/^\[  SKIPPED \] .*\([0-9]+ ms\)$/ {
  skip(test ": " $4, reason)
  in_reason = 0
  named = 1
}
/^\[  FAILED  \] / { failed = 1 }
in_reason && NF { reason = reason (reason == "" ? "" : " ") $0 }

# What is not GoogleTest gives its reason in the last line of its output.
/^Output:$/ { in_output = 1 }
in_output && NF && !/^-+$/ && !/^Output:$/ && !/^<end of output>$/ { said = $0 }
/^<end of output>$/ {
  in_output = 0
  if ((test in not_run) && failed) {
    print "failed, not skipped: " test
    hidden_failure = 1
  }
  if ((test in not_run) && !named) skip(test, said)
  delete not_run[test]
}

END {
  for (test in not_run) skip(test, "disabled")
  print count + 0 " skipped"
  exit hidden_failure
}

function skip(what, why) {
  print "skipped: " what ": " (why == "" ? "it does not say why" : why)
  ++count
}
