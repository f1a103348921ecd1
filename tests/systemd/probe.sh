# SPDX-License-Identifier: MIT
# probe.sh PROGRAM: looks at fsherald.service from beside it, below the same systemd; its last line is "passed". At its end systemd ends.
# shellcheck shell=bash
set -uo pipefail
program=$1
trap 'kill -s RTMIN+13 1' EXIT

fail() {
  echo "$*"
  systemctl status --no-pager --full fsherald
  exit 1
}
show() { systemctl show --property="$1" --value fsherald; }

# eventually WHAT COMMAND...: within twenty seconds it succeeds.
eventually() {
  local what=$1 _
  shift
  for _ in $(seq 200); do
    if "$@"; then return; fi
    sleep 0.1
  done
  fail "not so within twenty seconds: $what"
}

expect_status() {
  [ "$(show StatusText)" = "$1" ] || fail "the status is \"$(show StatusText)\", not \"$1\""
}

is_running_again() { [ "$(show NRestarts)" = "$1" ] && [ "$(show SubState)" = running ]; }
# is_stored DEVICE N: of the file system there the N-th error.
is_stored() {
  "$program" history --json |
    jq -es --arg device "$1" --argjson n "$2" 'map(select(.kind == "metadata" and .filesystem.device == $device)) | .[$n - 1]' >/mnt/stored
}
is_subscribed() { grep -q '^ready' /mnt/talk; }

expect_limits() {
  local pid status
  pid=$(show MainPID)
  status=$(cat "/proc/$pid/status")
  grep -q '^CapEff:.000000c400200004$' <<<"$status" || fail "other capabilities than the five: $status"
  grep -q '^NoNewPrivs:.1$' <<<"$status" || fail "it may get new privileges"
  [ "$(grep -c : "/proc/$pid/net/dev")" = 1 ] || fail "it has a network"
  # Of what is not the kernel's own only these can be written: field 5 is the mount point, 6 the mount's options.
  awk '$6 ~ /^rw/ && $5 !~ "^/(proc|sys|dev|run)(/|$)" { print $5 }' "/proc/$pid/mountinfo" >/mnt/writable
  [ "$(cat /mnt/writable)" = /var/lib/fsherald ] || [ ! -s /mnt/writable ] || fail "it can write: $(cat /mnt/writable)"
}

# What comes while no daemon runs waits in the descriptors that the manager keeps, with all that the sources know of it: the next one
# tells it, once.
expect_told_by_the_next() {
  local device=$1
  kill -KILL "$(show MainPID)"
  echo "while no daemon ran" >"/sys/fs/ext4/$device/trigger_fs_error"
  [ "$(show NRestarts)" = 0 ] || fail "it ran again before the error came"
  eventually "the manager starts it again" is_running_again 1
  eventually "what came meanwhile is stored" is_stored "$device" 2
  jq -e '.sources == ["fanotify", "trace", "kmsg"] and .error.count == 1 and .specific.message == "while no daemon ran"' \
    /mnt/stored >/dev/null || fail "stored: $(cat /mnt/stored)"
}

# A subscriber who is in the group, and not root, is told an error of a file system that was mounted after the daemon's start.
expect_told() {
  local device subscriber
  truncate -s 8M /mnt/image
  mke2fs -q -F -t ext4 /mnt/image || fail "no ext4 could be made"
  mkdir /mnt/data
  mount -o loop,noinit_itable /mnt/image /mnt/data || fail "no ext4 could be mounted"
  device=$(findmnt --noheadings --output SOURCE /mnt/data)
  setpriv --reuid=65534 --regid=65534 --groups="$(getent group fsherald | cut -d: -f3)" \
    "$program" watch --json --count=1 --timeout=20 /mnt/data >/mnt/told 2>/mnt/talk &
  subscriber=$!
  eventually "a member of the group subscribes" is_subscribed
  echo "told below systemd" >"/sys/fs/ext4/${device#/dev/}/trigger_fs_error"
  wait "$subscriber" || fail "watch failed: $(cat /mnt/talk)"
  jq -e '.sources == ["fanotify", "trace", "kmsg"] and .filesystem.mounts == ["/mnt/data"] and
         .specific.message == "told below systemd"' /mnt/told >/dev/null || fail "told: $(cat /mnt/told)"
  expect_told_by_the_next "${device#/dev/}"
  umount /mnt/data || fail "it keeps the file system mounted"
}

: >/mnt/talk
[ "$(show ActiveState)" = active ] || fail "it does not run"
expect_status "serving /run/fsherald"
expect_limits

printf '[access]\nsubscribe_group = "fsherald"\n' >/etc/fsherald/fsherald.d/10.toml
systemctl reload fsherald || fail "it cannot be reloaded"
has_reloaded() { [ "$(show StatusText)" = "serving /run/fsherald; configuration read again: access.subscribe_group changed" ]; }
eventually "the reload is told" has_reloaded
expect_told
echo '[acces]' >/etc/fsherald/fsherald.d/20.toml
systemctl reload fsherald
is_faulty() { [ "$(show StatusText)" = "serving /run/fsherald; the configuration has a fault, all stays as it was" ]; }
eventually "the fault is told" is_faulty
rm /etc/fsherald/fsherald.d/20.toml

# A loop that does not turn is started again.

mkdir -p /mnt/units/fsherald.service.d
printf '[Service]\nWatchdogSec=1\nTimeoutStopSec=1\n' >/mnt/units/fsherald.service.d/soon.conf
systemctl daemon-reload
systemctl restart fsherald || fail "it cannot be started again"
kill -STOP "$(show MainPID)"
eventually "the watchdog has it started again" is_running_again 1
systemctl stop fsherald
[ "$(show Result)" = success ] || fail "its end was no success: $(show Result)"
echo passed
