# SPDX-License-Identifier: MIT
# What the guests' /init share: the machine made usable, `fsherald watch --json` run in the background, each in a folder of
# its own below /out (stdout, stderr, exit), and /out sent as an archive over the second serial line.
# shellcheck shell=dash

/bin/busybox --install -s /bin
export PATH=/programs:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
dmesg -n 1
uname -r >/out/kernel

# start NAME [WRAPPER...]: starts the watch; ends when it is ready or has ended.
start() {
  run=/out/$1
  shift
  mkdir -p "$run"
  { "$@" fsherald watch --json --timeout 60 >"$run/stdout" 2>"$run/stderr"; echo $? >"$run/exit"; } &
  while ! grep -q '^ready$' "$run/stderr" 2>/dev/null && [ ! -e "$run/exit" ]; do usleep 20000; done
}
# Ends the watch once nothing has been told for half a second.
finish() {
  local before=-1 now=0
  while [ "$before" != "$now" ]; do
    before=$now
    usleep 500000
    now=$(wc -c <"$run/stdout")
  done
  killall -INT fsherald 2>/dev/null
  while [ ! -e "$run/exit" ]; do usleep 20000; done
}

# attach NAME: the image /images/NAME.img on a loop device, which becomes $device.
attach() {
  losetup -f "/images/$1.img"
  device=$(losetup -a | sed -n "s,^/dev/\(.*\): .*/images/$1.img.*,\1,p")
  echo "$device" >"/out/$1.device"
}
# mount_ext4 DEVICE NAME [OPTIONS]: on /NAME, without the kernel's own thread that looks through fresh file systems.
mount_ext4() {
  mkdir -p "/$2"
  mount -t ext4 -o "noinit_itable,no_prefetch_block_bitmaps,${3:-errors=continue}" "/dev/$1" "/$2"
}
mount_image() {
  attach "$1"
  mount_ext4 "$device" "$@"
}
device_of() { cat "/out/$1.device"; }
# count_errors WHEN NAME...: as the kernel has counted them.
count_errors() {
  local when=$1 name
  shift
  for name in "$@"; do cat "/sys/fs/ext4/$(device_of "$name")/errors_count" >"/out/$name.errors_$when"; done
}
# Ends when the watch has marked a file system: what comes before is another matter (../system/mounts_test.cc).
until_marked() { while ! grep -q 'fanotify sdev:' "/proc/$(pidof fsherald)/fdinfo"/*; do usleep 20000; done; }

# Sends what is in /out, and ends the machine.
send_and_power_off() {
  touch /out/done
  stty -F /dev/ttyS1 raw -echo 115200
  tar -c -C /out . >/dev/ttyS1
  poweroff -f
}
