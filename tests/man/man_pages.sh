#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# man_pages.sh ROOT PROGRAM: each function of fsherald.h has a page in section 3, each page names only what is there, each command has a
# page in section 8 that names its options as they are, and mandoc finds nothing wrong with any. Exit code 77: there is no mandoc.
set -euo pipefail
program=$(readlink -f -- "$2")
cd -- "$1"
export LC_ALL=C

command -v mandoc >/dev/null || {
  echo "skipped: mandoc is not installed"
  exit 77
}

failures=0
fault() {
  echo "$*"
  failures=$((failures + 1))
}

# What the header declares, one name a line.
functions() {
  grep -Pzo 'FSHERALD_API[^;(]*?\bfsherald_\w+(?=\()' include/fsherald/fsherald.h | tr '\0' '\n' |
    grep -o 'fsherald_[a-z_]*$' | sort -u
}

# names PAGE: what its NAME section names.
names() { awk '/^\.Sh NAME/ { on = 1; next } /^\.Sh/ { on = 0 } on && /^\.Nm/ { print $2 }' "$1"; }

# target PAGE: the page that it stands for; itself, if it is no alias.
target() {
  case $(head -n 1 "$1") in
    '.so man3/'*) sed -n '1s|^\.so man3/|man/|p' "$1" ;;
    *) echo "$1" ;;
  esac
}

declared=$(functions)
[ "$(wc -l <<<"$declared")" = "$(grep -c '^FSHERALD_API' include/fsherald/fsherald.h)" ] ||
  fault "not all functions of fsherald.h were found, only: $declared"
for function in $declared; do
  [ -e "man/$function.3" ] || fault "man/$function.3 is missing"
done

for page in man/*.3; do
  name=$(basename "$page" .3)
  described=$(target "$page")
  [ -e "$described" ] || {
    fault "$page stands for $described, which is missing"
    continue
  }
  names "$described" | grep -qxF "$name" || fault "the NAME section of $described does not name $name"
  [ "$page" = "$described" ] || continue
  mandoc -T lint -W warning "$page" || fault "mandoc finds fault with $page"
  for named in $(names "$page"); do
    [ "$(target "man/$named.3" 2>/dev/null)" = "$page" ] || fault "man/$named.3 is not $page, which names it"
    case $named in fsherald_*) grep -qxF "$named" <<<"$declared" || fault "$page: no such function: $named" ;; esac
  done
done

for page in man/*.[124-8]; do
  [ ! -e "$page" ] || mandoc -T lint -W warning "$page" || fault "mandoc finds fault with $page"
done

# What `fsherald --help` lists as subcommands, one name a line.
commands() { "$program" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p'; }
[ -n "$(commands)" ] || fault "fsherald --help says no command"
for command in $(commands); do
  [ -e "man/fsherald-$command.8" ] || grep -qE "^\.Nm fsherald $command( |$)" man/fsherald-*.8 ||
    fault "fsherald $command has no page"
done

# Long options, one a line, without the two dashes.
said_by_help() { "$program" "$1" --help | grep -oE '^ +(-[a-z],)?--[a-z-]+' | sed 's/.*--//' | grep -vx help | sort -u; }
required_by_help() { "$program" "$1" --help | sed -nE 's/^ +(-[a-z],)?--([a-z-]+).* \(required\).*/\2/p'; }
said_by_page() { grep -oE 'Fl -[a-z-]+' "$1" | sed 's/Fl -//' | sort -u; }
for page in man/fsherald-*.8; do
  command=$(basename "$page" .8)
  command=${command#fsherald-}
  said=$(said_by_help "$command")
  [ -n "$said" ] || fault "fsherald $command --help says no option"
  for option in $said; do
    said_by_page "$page" | grep -qxF -e "$option" || fault "$page does not name --$option"
  done
  for option in $(said_by_page "$page"); do
    grep -qxF -e "$option" <<<"$said" || fault "$page names --$option, which fsherald $command --help does not"
  done
  for option in $(required_by_help "$command"); do
    ! grep -qE -e "^\.Op Fl -$option( |$)" "$page" || fault "$page says that --$option is optional: fsherald $command requires it"
  done
done

[ "$failures" = 0 ] || exit 1
echo "$(wc -l <<<"$declared") functions, each with its page"
