# SPDX-License-Identifier: MIT
# The system calls that a unit allows. To be sourced.
# shellcheck shell=bash

# members SET: of "@basic-io", and of the sets in it, one name a line.
members() {
  local name
  systemd-analyze --no-pager syscall-filter "$1" | sed -n 's/^ \{4\}\([@a-z_0-9-]*\).*/\1/p' | while read -r name; do
    case $name in @*) members "$name" ;; ?*) echo "$name" ;; esac
  done
}

# unit_syscalls UNIT: sorted, one name a line, sets resolved as this machine's systemd has them.
unit_syscalls() {
  local name
  sed -n 's/^SystemCallFilter=//p' "$1" | tr ' ' '\n' | while read -r name; do
    case $name in
      '~'*) echo "$1: a list of what is not allowed is not read here: $name" >&2; return 1 ;;
      @*) members "$name" ;;
      ?*) echo "$name" ;;
    esac
  done | sort -u
}
