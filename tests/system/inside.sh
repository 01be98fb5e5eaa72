#!/usr/bin/env bash
# Runs a command before the changes that a machine has made to its root, in namespaces of its own: with the last process
# in them all mounts and processes are gone.
#
# Usage: tests/system/inside.sh LAYERS FOLDER NAME COMMAND...
#   LAYERS    folders that are only read, the topmost first, with ":" between them
#   FOLDER    has changes/ (what is written), work/ (the kernel's) and root/ (where the whole of it appears)
#   NAME      of the control group, which is removed afterwards
#
# Every system gets the one hierarchy of control groups that Debian's systemd expects: also where this machine mounts the
# older ones. Controllers that the older ones have taken are missing then, which nothing here depends on.
set -euo pipefail
layers=$1 folder=$2 name=$3
shift 3

mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$layers,upperdir=$folder/changes,workdir=$folder/work" "$folder/root"
umount --recursive --lazy /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$name" /run/systemd/nspawn
# What systemd-nspawn keeps of a container, which would stay behind when that is killed.
mount -t tmpfs tmpfs /run/systemd/nspawn
echo 0 >"/sys/fs/cgroup/$name/cgroup.procs"
status=0
"$@" || status=$?
echo 0 >/sys/fs/cgroup/cgroup.procs
find "/sys/fs/cgroup/$name" -depth -type d -exec rmdir {} +
exit "$status"
