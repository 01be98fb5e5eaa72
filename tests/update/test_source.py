"""Where a release comes from: what is known of it, and what is refused."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from releases.device import UpdateError
from releases.source import NAMESPACE, Trust, fetch


def run(*command: object, cwd: Path | None = None) -> str:
    """Run a program, as somebody whose name and settings are none of this."""
    options = ["-c", "user.name=A", "-c", "user.email=a@example.org"] if command[0] == "git" else []
    return subprocess.run(
        [str(command[0]), *options, *map(str, command[1:])], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Somebody's key."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key")
    return tmp_path / "key"


@pytest.fixture
def signers(tmp_path: Path, key: Path) -> Path:
    """The file that says that it counts."""
    file = tmp_path / "release-signers"
    file.write_text(f"releases@example.org {key.with_suffix('.pub').read_text()}")
    return file


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A release in a file."""
    (tmp_path / "hearthside-0.2.0" / "device").mkdir(parents=True)
    (tmp_path / "hearthside-0.2.0" / "device" / "__init__.py").write_text('__version__ = "0.2.0"\n')
    run("tar", "-cf", tmp_path / "bundle.tar", "hearthside-0.2.0", cwd=tmp_path)
    return tmp_path / "bundle.tar"


def sign(bundle: Path, key: Path, namespace: str = NAMESPACE) -> Path:
    run("ssh-keygen", "-Y", "sign", "-f", key, "-n", namespace, bundle)
    return bundle.with_name(bundle.name + ".sig")


Fetch = Callable[..., Path]


@pytest.fixture
def fetched(tmp_path: Path, signers: Path) -> Fetch:
    """Fetch into a folder of its own."""

    def fetched(source: object, clone: Path = tmp_path, **trust: object) -> Path:
        into = tmp_path / "into"
        into.mkdir()
        return fetch(str(source), clone, Trust(**{"signers": signers, **trust}), into)  # type: ignore[arg-type]

    return fetched


def is_release(folder: Path) -> bool:
    return (folder / "device" / "__init__.py").is_file()


def test_a_bundle_of_which_the_sum_is_known_is_taken(bundle: Path, fetched: Fetch) -> None:
    """The folder in it."""
    sha256 = hashlib.sha256(bundle.read_bytes()).hexdigest()
    assert is_release(fetched(bundle, sha256=sha256.upper()))


def test_another_sum_is_refused_and_both_are_told(bundle: Path, fetched: Fetch) -> None:
    """Whether it was signed or not, and insisted on or not."""
    with pytest.raises(UpdateError, match=f"its SHA-256 is {hashlib.sha256(bundle.read_bytes()).hexdigest()}, not 00"):
        fetched(bundle, sha256="00", unsigned=True)


def test_a_signed_bundle_is_taken(bundle: Path, key: Path, fetched: Fetch, capfd: pytest.CaptureFixture[str]) -> None:
    """With the signature beside it; and it is told whose it is."""
    sign(bundle, key)
    assert is_release(fetched(bundle))
    assert "signed by releases@example.org" in capfd.readouterr().err


def test_a_signature_may_be_elsewhere(bundle: Path, key: Path, fetched: Fetch, tmp_path: Path) -> None:
    """Under any name."""
    elsewhere = sign(bundle, key).rename(tmp_path / "elsewhere")
    assert is_release(fetched(bundle, signature=elsewhere))


def test_a_bundle_that_was_changed_after_it_was_signed_is_refused(bundle: Path, key: Path, fetched: Fetch) -> None:
    """By one byte."""
    sign(bundle, key)
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")
    with pytest.raises(UpdateError, match="does not hold"):
        fetched(bundle)


def test_the_signature_of_a_stranger_is_refused(bundle: Path, fetched: Fetch, tmp_path: Path) -> None:
    """However well it is signed."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "stranger")
    sign(bundle, tmp_path / "stranger")
    with pytest.raises(UpdateError, match="nobody's whose signature counts"):
        fetched(bundle)


def test_a_signature_for_something_else_is_refused(bundle: Path, key: Path, fetched: Fetch) -> None:
    """Such as a commit of the same person."""
    sign(bundle, key, "git")
    with pytest.raises(UpdateError, match="does not hold"):
        fetched(bundle)


def test_without_signers_no_signature_counts(bundle: Path, key: Path, fetched: Fetch, tmp_path: Path) -> None:
    """The file is named."""
    sign(bundle, key)
    with pytest.raises(UpdateError, match=f"there is no {tmp_path}/nobody"):
        fetched(bundle, signers=tmp_path / "nobody")


def test_a_program_that_is_missing_is_named(
    bundle: Path, key: Path, fetched: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the package that brings it."""
    sign(bundle, key)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UpdateError, match="there is no ssh-keygen here: sudo apt-get install openssh-client"):
        fetched(bundle)


def test_a_bundle_of_which_nothing_is_known_is_taken_only_when_insisted_on(bundle: Path, fetched: Fetch) -> None:
    """The message says how."""
    with pytest.raises(UpdateError, match=r"neither a sum.*--unsigned"):
        fetched(bundle)
    bundle.parent.joinpath("into").rename(bundle.parent / "before")
    assert is_release(fetched(bundle, unsigned=True))


def test_what_is_no_bundle_is_told(tmp_path: Path, fetched: Fetch) -> None:
    """And not unpacked to anywhere."""
    (tmp_path / "bundle.tar").write_text("no")
    with pytest.raises(UpdateError, match="is no bundle"):
        fetched(tmp_path / "bundle.tar", unsigned=True)


def test_a_bundle_cannot_write_elsewhere(tmp_path: Path, fetched: Fetch) -> None:
    """A path that leads out of it."""
    (tmp_path / "victim").write_text("as it was")
    (tmp_path / "inner").mkdir()
    run("tar", "-cPf", "../bundle.tar", "../victim", cwd=tmp_path / "inner")
    (tmp_path / "victim").write_text("still")
    with pytest.raises(UpdateError, match="is no bundle"):
        fetched(tmp_path / "bundle.tar", unsigned=True)
    assert (tmp_path / "victim").read_text() == "still"


def test_a_folder_is_taken_only_when_insisted_on(tmp_path: Path, fetched: Fetch) -> None:
    """Nobody can vouch for what may change while it is read."""
    with pytest.raises(UpdateError, match=r"a folder has neither sum nor signature.*--unsigned"):
        fetched(tmp_path)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """One commit with a tag."""
    clone = tmp_path / "clone"
    (clone / "device").mkdir(parents=True)
    (clone / "device" / "__init__.py").write_text('__version__ = "0.2.0"\n')
    run("git", "init", "--quiet", cwd=clone)
    run("git", "add", ".", cwd=clone)
    run("git", "commit", "--quiet", "--message", "All", cwd=clone)
    run("git", "tag", "v1", cwd=clone)
    (clone / "device" / "later.py").touch()
    return clone


def test_a_commit_by_its_whole_name_is_its_own_sum(clone: Path, fetched: Fetch) -> None:
    """As it is there, and not as the folder is by now."""
    folder = fetched(run("git", "rev-parse", "HEAD", cwd=clone), clone)
    assert is_release(folder)
    assert not (folder / "device" / "later.py").exists()


def test_a_signed_tag_is_taken(clone: Path, key: Path, fetched: Fetch) -> None:
    """By git's own signatures."""
    options = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={key}"]
    run("git", *options, "tag", "--sign", "--message", "Release", "v2", cwd=clone)
    assert is_release(fetched("v2", clone))


def test_a_signed_tag_under_another_name_is_refused(clone: Path, key: Path, fetched: Fetch) -> None:
    """A server could pass an old release with known holes off as the newest."""
    options = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={key}"]
    run("git", *options, "tag", "--sign", "--message", "Release", "v2", cwd=clone)
    run("git", "update-ref", "refs/tags/v3", "refs/tags/v2", cwd=clone)
    with pytest.raises(UpdateError, match="v3 is not the tag that was signed: that is v2"):
        fetched("v3", clone)


@pytest.mark.skipif(not shutil.which("gpg"), reason="no GnuPG here")
def test_a_key_of_gnupg_vouches_for_no_release(
    clone: Path, fetched: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be in root's keyring for another purpose."""
    home = Path(tempfile.mkdtemp(prefix="gnupg-"))  # not tmp_path: the path of its agent's socket must be short
    monkeypatch.setenv("GNUPGHOME", str(home))
    try:
        run("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "ada@example.org", cwd=clone)
        run("git", "-c", "user.signingkey=ada@example.org", "tag", "--sign", "--message", "Release", "v4", cwd=clone)
        with pytest.raises(UpdateError, match="v4 is not a tag with a signature that counts"):
            fetched("v4", clone)
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], check=False)
        shutil.rmtree(home)


@pytest.mark.parametrize("name", ["v1", "HEAD"])
def test_a_tag_without_a_signature_is_refused(clone: Path, fetched: Fetch, name: str) -> None:
    """And so is a branch: it may lead elsewhere tomorrow."""
    with pytest.raises(UpdateError, match=f"{name} is not a tag with a signature that counts"):
        fetched(name, clone)


def test_what_is_nothing_at_all_is_told(clone: Path, tmp_path: Path, fetched: Fetch) -> None:
    """With what it could have been."""
    with pytest.raises(UpdateError, match="v7 is no file, no folder, and no tag or commit of"):
        fetched("v7", clone)
