#!/bin/sh
# SPDX-License-Identifier: MIT
# model.sh holds|broken MODEL [-DNAME[=VALUE]...]: has spin look at every state of MODEL.pml. `holds`: no assertion may fail,
# no state may have no way out, and none may have been left out. `broken`: a rule is left out, and spin must find the violation,
# else the model proves nothing. Exit code 77: spin is not here.
set -eu
directory=$(cd -- "$(dirname -- "$0")" && pwd -P)
expected=$1
model=$2
shift 2
command -v spin >/dev/null || { echo "skipped: the package spin is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

spin "$@" -a "$directory/$model.pml"
optimize=-O2
[ "$expected" = holds ] || optimize=-O0  # found at once: the compiler would take longer
gcc $optimize -w -DSAFETY -DMEMLIM=2048 -o pan pan.c
./pan -m100000 >out || true
grep -E 'errors: |states, stored|assertion violated|invalid end state' out || true

if grep -qE 'Search not completed|max search depth too small|out of memory' out && [ "$expected" = holds ]; then
  cat out
  if [ -e "$model.pml.trail" ]; then cp "$directory/$model.pml" . && spin "$@" -t -p "$model.pml" | tail -n 200; fi
  exit 1
fi
case $expected in
  holds) grep -q 'errors: 0' out ;;
  broken) grep -qE 'assertion violated|invalid end state' out || { echo "spin has found nothing"; exit 1; } ;;
  *) exit 2 ;;
esac
