# shellcheck shell=bash
# What is needed of Debian, and how it gets there; for scripts/setup and scripts/install, which have say and fail.

# What every device needs. ca-certificates: for pip and the session. espeak-ng: what is said without the provider.
# tzdata: the time elsewhere. alsa-utils: the card's volume. libusb: the voice detector of a USB microphone array.
device_packages() {
  echo alsa-utils ca-certificates espeak-ng libasound2-data libusb-1.0-0 tzdata
  # From Raspberry Pi's own archive.
  if grep -qs 'Raspberry Pi' /proc/device-tree/model; then echo python3-lgpio; fi
}

# With Debian's own Python: what has no wheels.
python_packages() { echo python3 python3-venv python3-pyaudio python3-systemd; }

# Says which of the packages named are not installed.
missing_of() {
  local wanted installed
  wanted=$(printf '%s\n' "$@" | sort)
  # shellcheck disable=SC2086 # a list of names, one word each
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null |
    sed -n 's/ installed$//p' | sort -u) || true
  comm -23 <(echo "$wanted") <(echo "$installed") | xargs
}

is_root() { [[ $(id -u) == 0 ]]; }

as_root() {
  if is_root; then
    "$@"
  else
    sudo "$@"
  fi
}

may_become_root() {
  is_root || { command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; }
}

# Says now and then that a long step is not over.
patiently() {
  local status=0 ticker
  (
    # The sleep is ended too: it would hold the caller's output open.
    trap 'kill $(jobs -p) 2>/dev/null; exit' TERM
    while sleep 20 & wait $! && kill -0 $$ 2>/dev/null; do say "  still at it"; done
  ) 9<&- &
  ticker=$!
  # A shell of its own: the command may end it, and the words must end all the same.
  ("$@") || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  return $status
}

# At its boot a system looks for upgrades itself: that is waited for.
update_lists() {
  local attempt said
  for attempt in {1..20}; do
    said=$(as_root apt-get update -q 2>&1 >/dev/null 9<&-) && return
    [[ $said == *'Could not get lock'* && $attempt != 20 ]] || break
    sleep 15
  done
  fail "apt-get update: $said"
}

# Adds packages, and never takes one away: what is on the machine is somebody's.
apt_install() {
  local options=(--no-remove --no-install-recommends)
  may_become_root || fail "needs packages that only root can install; run this, then try again:
  sudo apt-get update && sudo apt-get install ${options[*]} $*"
  say "installing $*"
  patiently update_lists
  # A new system may be busy with its first upgrade: wait for that.
  patiently as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q "${options[@]}" \
    -o DPkg::Lock::Timeout=300 "$@" 9<&- >/dev/null ||
    fail "apt-get cannot install $* without removing something else, or not at all (see above); nothing was removed"
}
