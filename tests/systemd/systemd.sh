#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# systemd.sh PROGRAM ROOT: a systemd of its own, the first process of a pid namespace, runs packaging/fsherald.service, and probe.sh,
# which looks at it. What it mounts and writes is in namespaces and in memory, and ends with it. Exit code 77: that cannot be here.
set -euo pipefail
program=$1 root=$2
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
export LC_ALL=C

skip() {
  echo "skipped: $*"
  exit 77
}

# In the namespaces: what a machine has that boots.
become_systemd() {
  mount --make-rprivate /
  mount -t proc proc /proc
  mount -t tmpfs tmpfs /run
  mount -t tmpfs tmpfs /mnt
  mkdir /mnt/etc /mnt/etc.work /mnt/units
  mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/etc,workdir=/mnt/etc.work /etc
  mount -t tmpfs tmpfs /var/lib
  umount -l /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mount --make-rshared / # as at boot; systemd leaves it to others where it is not on a machine

  systemd-sysusers "$root/packaging/fsherald.sysusers"
  rm -rf /etc/fsherald
  systemd-tmpfiles --create "$root/packaging/fsherald.tmpfiles"
  sed "s|/usr/sbin/fsherald|$program|" "$root/packaging/fsherald.service" >/mnt/units/fsherald.service
  local target
  for target in sysinit basic shutdown multi-user; do printf '[Unit]\n' >/mnt/units/$target.target; done
  cat >/mnt/units/probe.service <<END
[Unit]
Wants=fsherald.service
After=fsherald.service
[Service]
Type=oneshot
Environment=SYSTEMD_UNIT_PATH=/mnt/units
ExecStart=/bin/bash $here/probe.sh $program
StandardOutput=append:$work/probe.out
StandardError=append:$work/probe.out
END
  printf '[Unit]\nWants=probe.service\n' >/mnt/units/probe.target
  exec env -i "PATH=$PATH" container=test SYSTEMD_UNIT_PATH=/mnt/units /lib/systemd/systemd --system --unit=probe.target \
    --log-target=console --show-status=no
}

if [ "${3:-}" = inside ]; then
  work=$4
  become_systemd
fi

[ "$(id -u)" = 0 ] || skip "not root"
[ -x /lib/systemd/systemd ] || skip "no systemd (package systemd)"
[ -e /dev/loop-control ] || skip "no loop devices (/dev/loop-control)"
groups=$(findmnt --list --noheadings --types cgroup2 --output TARGET | head -n 1)
[ -n "$groups" ] || skip "no cgroup2 is mounted"
group=$groups/fsherald-test.$$
mkdir "$group" 2>/dev/null || skip "no control group can be made in $groups"
work=$(mktemp -d)
# The group is empty a moment after its last process.
trap 'rm -rf "$work"; for _ in $(seq 50); do rmdir "$group" 2>/dev/null && break; sleep 0.1; done' EXIT

(
  echo $BASHPID >"$group/cgroup.procs"
  exec timeout 90 unshare --mount --uts --ipc --pid --fork --cgroup --kill-child "$0" "$program" "$root" inside "$work"
) >"$work/log" 2>&1 || true
find "$group" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null || true

cat "$work/probe.out" 2>/dev/null || true
tail -n 1 "$work/probe.out" 2>/dev/null | grep -qx passed || {
  echo "systemd said:"
  cat "$work/log"
  exit 1
}
