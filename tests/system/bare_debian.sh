#!/usr/bin/env bash
# Runs a command in a fresh clone of this repository on a bare Debian, which is thrown away afterwards.
#
# Usage: tests/system/bare_debian.sh bookworm|trixie COMMAND...
#
# Needs root, debootstrap and the network. The bare systems are kept in ~/.cache/hearthside; the machine inside trusts
# the certificate authorities that an administrator has added to this one.
set -euo pipefail
suite=$1
shift
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bare=${XDG_CACHE_HOME:-$HOME/.cache}/hearthside/bare-$suite

if [[ ! -d $bare ]]; then
  mkdir -p "$(dirname "$bare")"
  debootstrap --variant=minbase "$suite" "$bare.part" >&2
  mv "$bare.part" "$bare"
fi

box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
mkdir "$box"/{changes,work,root}
export bare box repository
# A mount namespace of its own: every mount is gone with the last process inside.
# shellcheck disable=SC2016 # expanded by the bash inside
unshare --mount --pid --fork --kill-child bash -euo pipefail -c '
  mount --make-rprivate /
  root=$box/root
  mount -t overlay overlay -o "lowerdir=$bare,upperdir=$box/changes,workdir=$box/work" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs tmpfs "$root/dev/shm"
  cp /etc/resolv.conf /etc/hosts "$root/etc"
  if [[ -d /usr/local/share/ca-certificates ]]; then
    mkdir -p "$root/usr/local/share/ca-certificates"
    cp -rL /usr/local/share/ca-certificates "$root/usr/local/share"
  fi
  git clone --quiet "$repository" "$root/hearthside"
  exec env --ignore-environment HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    chroot "$root" sh -c "cd /hearthside && exec \"\$@\"" sh "$@"
' bash "$@"
