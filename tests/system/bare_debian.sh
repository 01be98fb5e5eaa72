#!/usr/bin/env bash
# Runs a command in a fresh clone of this repository on a bare Debian, which is thrown away afterwards.
#
# Usage: tests/system/bare_debian.sh [--keep FOLDER] [--share FOLDER] bookworm|trixie amd64|arm64 COMMAND...
#   --keep FOLDER    what the command changes stays there, for the next one; its clone is brought to this commit then
#   --share FOLDER   it is there inside, too, at the same place
#
# Needs root, debootstrap and the network, on an amd64. The bare systems are kept in ~/.cache/hearthside; the machine
# inside trusts the certificate authorities that an administrator has added to this one. arm64 is computed by the
# qemu-user of trixie, which takes some ten times as long; QEMU_CPU names another processor than a Cortex-A76.
set -euo pipefail
keep='' share=''
while [[ $1 == --* ]]; do
  case $1 in
    --keep) keep=$(realpath "$2") ;;
    --share) share=$(realpath "$2") ;;
    *) exit 2 ;;
  esac
  shift 2
done
suite=$1 architecture=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hearthside
bare=$cache/bare-$suite-$architecture
box=$(mktemp -d)
handlers=$box/handlers
handler=$handlers/hearthside-arm64-$$

clean_up() {
  if mountpoint --quiet "$handlers"; then
    [[ ! -e $handler ]] || echo -1 >"$handler"
    umount "$handlers"
  fi
  rm -rf "$box"
}
trap clean_up EXIT

# Lets the kernel run programs for arm64 by qemu-user, until this script ends. Numpy needs a named processor: what the
# default one computes is no number at times. onnxruntime needs qemu-user 10.
handle_arm64() {
  local emulator=$cache/qemu-aarch64 magic mask
  [[ $architecture == arm64 ]] || return 0
  if [[ ! -x $emulator ]]; then
    # shellcheck disable=SC2016 # expanded by the shell inside
    "$here/bare_debian.sh" trixie amd64 sh -c 'cd /tmp && apt-get update -q >&2 && apt-get download -q qemu-user >&2 &&
      dpkg-deb --fsys-tarfile qemu-user_*.deb | tar --extract --to-stdout ./usr/bin/qemu-aarch64' >"$emulator.part"
    chmod +x "$emulator.part"
    mv "$emulator.part" "$emulator"
  fi
  export QEMU_CPU=${QEMU_CPU:-cortex-a76}
  # Mounted until the end: some kernels forget what was registered with the last mount.
  mkdir "$handlers"
  mount -t binfmt_misc binfmt_misc "$handlers"
  # An ELF file of 64 bits, little-endian, for machine 183; F: the emulator is opened now, and found in every root.
  magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
  mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
  printf '%s' ":$(basename "$handler"):M::$magic:$mask:$emulator:F" >"$handlers/register"
}

mkdir -p "$cache"
handle_arm64
# Two at once would make the same root: the second waits here.
exec 9>"$bare.lock"
flock 9
if [[ ! -d $bare ]]; then
  rm -rf "$bare.part"
  debootstrap --variant=minbase --arch="$architecture" "$suite" "$bare.part" >&2
  mv "$bare.part" "$bare"
fi
exec 9>&-

mkdir "$box/root"
changes=${keep:-$box}
mkdir -p "$changes"/{changes,work}
# One at a time: two would write over each other. The lock lasts until the last process inside has ended.
exec 8<"$changes"
flock 8
export bare box changes share repository
# A mount namespace of its own: every mount is gone with the last process inside.
# shellcheck disable=SC2016 # expanded by the bash inside
unshare --mount --pid --fork --kill-child bash -euo pipefail -c '
  mount --make-rprivate /
  root=$box/root
  mount -t overlay overlay -o "lowerdir=$bare,upperdir=$changes/changes,workdir=$changes/work" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs tmpfs "$root/dev/shm"
  cp /etc/resolv.conf /etc/hosts "$root/etc"
  if [[ -d /usr/local/share/ca-certificates ]]; then
    mkdir -p "$root/usr/local/share/ca-certificates"
    cp -rL /usr/local/share/ca-certificates "$root/usr/local/share"
  fi
  if [[ -n $share ]]; then
    mkdir -p "$root$share"
    mount --bind "$share" "$root$share"
  fi
  [[ -d $root/hearthside ]] || git clone --quiet "$repository" "$root/hearthside"
  git -C "$root/hearthside" fetch --quiet "$repository" HEAD
  git -C "$root/hearthside" reset --quiet --hard FETCH_HEAD
  exec env --ignore-environment HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    ${QEMU_CPU:+"QEMU_CPU=$QEMU_CPU"} chroot "$root" sh -c "cd /hearthside && exec \"\$@\"" sh "$@"
' bash "$@"
