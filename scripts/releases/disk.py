"""Changes that a power cut leaves either undone or done: a rename is one step, and everybody waits for the disk."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until a file, or which names are in a folder, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def name(temporary: Path, final: Path) -> None:
    """Give a folder that is ready its name; before it has that, all that is in it is on the disk.

    Raise FileExistsError when there is something of that name.
    """
    # The whole file system at once: a release is thousands of files, and a card takes its time for each.
    subprocess.run(["sync", "-f", temporary], check=True)
    if final.exists():
        raise FileExistsError(f"there is a {final} already")
    temporary.rename(final)
    sync(final.parent)


def point(link: Path, target: str) -> None:
    """Let a link lead to `target`, whether it was there or not."""
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)
    sync(link.parent)


def drop(link: Path) -> None:
    """Remove a link or a file."""
    link.unlink(missing_ok=True)
    sync(link.parent)


def put(source: Path, target: Path) -> None:
    """Let `target`, or what it links to, be what `source` is, with its owner and its rights."""
    target = target.resolve()
    new = target.with_name(f".{target.name}.new")
    shutil.copy2(source, new)
    owner = source.stat()
    os.chown(new, owner.st_uid, owner.st_gid)
    sync(new)
    new.replace(target)
    sync(target.parent)


def remove(folder: Path) -> None:
    """Remove a folder. Its name goes first, so that what is half removed is never taken for a whole one."""
    gone = folder.with_name(f".{folder.name}.gone")
    try:
        folder.rename(gone)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # A folder of the lower layer of an overlay, as on a Pi whose card is only read. Without this file it is no
        # release.
        (folder / "MANIFEST").unlink(missing_ok=True)
        gone = folder
    sync(folder.parent)
    shutil.rmtree(gone)


def clear(folder: Path) -> None:
    """Remove what was left under a temporary name, those that begin with a dot."""
    for left in folder.glob(".*"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()
