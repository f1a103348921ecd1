#!/bin/sh
# SPDX-License-Identifier: MIT
# fuzz.sh TARGET FOUND CORPUS: fuzzes for FSHERALD_FUZZ_SECONDS; new inputs and crashes go to FOUND.
set -eu
exec "$1" -max_total_time="${FSHERALD_FUZZ_SECONDS:-10}" -max_len=4096 -timeout=5 -print_final_stats=1 \
  -artifact_prefix="$2/crash-" "$2" "$3"
