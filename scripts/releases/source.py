"""Where a release comes from: a bundle, a folder, or a tag or commit of this clone; and whether it is to be trusted.

What is checked is a copy that nobody else can change, and that copy is what is installed.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from releases.device import UpdateError, say

NAMESPACE = "hearthside-release"
"""What a signature must have been made for: ssh-keygen -Y sign -n hearthside-release."""

_PACKAGES = {"ssh-keygen": "openssh-client"}
"""Which package of Debian's brings a program, where that has another name."""
_NO_OTHERS = ("gpg.openpgp.program=false", "gpg.x509.program=false")
"""What makes git find no other kind of signature good than ssh's."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Trust:
    """By what a source is known to be what it should be."""

    signers: Path
    """Whose signatures count, in the form of ssh-keygen's allowed signers."""
    sha256: str = ""
    signature: Path | None = None
    unsigned: bool = False
    """Whether somebody insists on a source of which nothing is known."""


def fetch(source: str, clone: Path, trust: Trust, into: Path) -> Path:
    """Check a source, and return the folder with it, which is below `into`. Raise UpdateError."""
    path = Path(source)
    if path.is_file():
        return _bundle(path, trust, into)
    if path.is_dir():
        _insist(trust, f"a folder has neither sum nor signature: {path}")
        return path.resolve()
    return _of_git(source, clone, trust, into)


def missing_packages(folder: Path) -> list[str]:
    """Return which of Debian's packages a source needs, by its own list, and this system lacks."""
    if not (folder / "scripts" / "lib" / "debian.sh").exists():
        return []
    asked = (
        "say() { :; }; fail() { exit 1; }; . scripts/lib/debian.sh; missing_of $(device_packages) $(python_packages)"
    )
    answer = subprocess.run(["bash", "-c", asked], cwd=folder, capture_output=True, text=True, check=False)
    return answer.stdout.split()


def _insist(trust: Trust, why: str) -> None:
    if not trust.unsigned:
        raise UpdateError(f"{why}; --unsigned installs it all the same")
    say("nothing is known of where this release comes from")


def _bundle(path: Path, trust: Trust, into: Path) -> Path:
    copy = into / "bundle"
    shutil.copyfile(path, copy)
    _check(copy, path, trust)
    folder = into / "source"
    folder.mkdir()
    _unpack(copy, folder, f"{path} is no bundle")
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 else folder


def _check(copy: Path, path: Path, trust: Trust) -> None:
    beside = path.with_name(path.name + ".sig")
    signature = trust.signature or (beside if beside.exists() else None)
    if trust.sha256:
        _check_sum(copy, path, trust.sha256)
    elif signature and not (trust.unsigned and not trust.signature):
        _check_signature(copy, path, signature, trust.signers)
    else:
        _insist(trust, f"{path} has neither a sum (--sha256) nor a signature ({beside.name}, or --signature)")


def _check_sum(copy: Path, path: Path, wanted: str) -> None:
    with copy.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted.strip().lower():
        raise UpdateError(f"{path} is not the bundle that was meant: its SHA-256 is {found}, not {wanted}")


def _check_signature(copy: Path, path: Path, signature: Path, signers: Path) -> None:
    if not signers.is_file():
        raise UpdateError(f"there is no {signers}, so nobody's signature counts; man ssh-keygen: ALLOWED SIGNERS")
    found = _run(["ssh-keygen", "-Y", "find-principals", "-s", signature, "-f", signers])
    signer = found.stdout.strip().split("\n")[0]
    if found.returncode or not signer:
        raise UpdateError(f"{signature} is nobody's whose signature counts ({signers})")
    command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", signer, "-n", NAMESPACE, "-s", str(signature)]
    with copy.open("rb") as file:
        verified = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False)
    if verified.returncode:
        why = (verified.stderr or verified.stdout).strip()
        raise UpdateError(f"{signature} does not hold for {path}: {why}")
    say(f"signed by {signer}")


def _of_git(source: str, clone: Path, trust: Trust, into: Path) -> Path:
    """Take a commit by its whole name, which is a sum of all that is in it, or a signed tag."""
    if not (clone / ".git").exists():
        raise UpdateError(f"there is no file or folder {source}, and {clone} is no clone that could have such a tag")
    commit = _commit(clone, source)
    if not commit:
        fetched = _run(["git", "-C", clone, "fetch", "--quiet", "--tags", "origin"])
        commit = _commit(clone, source)
    if not commit:
        why = f" (git fetch: {fetched.stderr.strip()})" if fetched.returncode else ""
        raise UpdateError(f"{source} is no file, no folder, and no tag or commit of {clone}{why}")
    if not _COMMIT.fullmatch(source):
        _check_tag(clone, source, trust)
    folder = into / "source"
    folder.mkdir()
    archive = into / "archive.tar"
    done = _run(["git", "-C", clone, "archive", "--output", archive, commit])
    if done.returncode:
        raise UpdateError(f"git archive: {done.stderr.strip()}")
    _unpack(archive, folder, f"{source} cannot be unpacked")
    return folder


def _unpack(archive: Path, folder: Path, complaint: str) -> None:
    # tar and not tarfile: that of Debian 12 lets an archive write where it likes.
    # A bundle has wheels for all processors; a card has not the space for those of others.
    other = "x86_64" if platform.machine() == "aarch64" else "aarch64"
    leave_out = f"--exclude=*_{other}.whl"
    done = _run(["tar", "--extract", "--no-same-owner", leave_out, "--file", archive, "--directory", folder])
    if done.returncode:
        raise UpdateError(f"{complaint}: {done.stderr.strip()}")
    archive.unlink()


def _check_tag(clone: Path, tag: str, trust: Trust) -> None:
    """Insist on a signature of the tag under this name: who serves the repository may call an older one so."""
    # Only ssh's signatures: a key that GnuPG knows for another purpose vouches for no release.
    options = ["gpg.format=ssh", f"gpg.ssh.allowedSignersFile={trust.signers}", *_NO_OTHERS]
    verified = _run(["git", "-C", clone, *(word for option in options for word in ("-c", option)), "verify-tag", tag])
    named = _run(["git", "-C", clone, "for-each-ref", "--format=%(tag)", f"refs/tags/{tag}"]).stdout.strip()
    if verified.returncode:
        _insist(trust, f"{tag} is not a tag with a signature that counts ({trust.signers}): {verified.stderr.strip()}")
    elif named != tag:
        _insist(trust, f"{tag} is not the tag that was signed: that is {named or 'none in refs/tags'}")


def _commit(clone: Path, source: str) -> str:
    found = _run(["git", "-C", clone, "rev-parse", "--quiet", "--verify", "--end-of-options", f"{source}^{{commit}}"])
    return found.stdout.strip() if found.returncode == 0 else ""


def _run(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        program = str(command[0])
        package = _PACKAGES.get(program, program)
        raise UpdateError(f"there is no {program} here: sudo apt-get install {package}, then this again") from None
