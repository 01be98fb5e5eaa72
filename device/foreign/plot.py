"""Pictures: the one file that imports matplotlib, and only when there is something to draw."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from device.errors import ConfigError, HearthsideError

_ENDINGS = (".png", ".svg", ".pdf")


def check_path(path: Path) -> None:
    """Refuse a picture that cannot be written, before the work and not after it. Raise ConfigError."""
    if path.suffix not in _ENDINGS:
        raise ConfigError(f"--plot: the name must end in .png, .svg or .pdf, not {path.suffix or 'nothing'}")
    if not path.resolve().parent.is_dir() or not os.access(path.resolve().parent, os.W_OK):
        raise ConfigError(f"--plot: cannot write to the folder {path.parent}")


@contextmanager
def picture(
    path: Path, title: str, heights: Sequence[float], size: tuple[float, float], share_time: bool = False
) -> Iterator[list[Any]]:
    """Yield matplotlib's axes, one below the other, and write the picture at the end. Raise HearthsideError.

    `heights`: of the axes, relative to each other; `size`: in inches; `share_time`: they have one x axis.
    """
    try:
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise HearthsideError("--plot needs matplotlib: run scripts/setup --sim") from error
    figure, axes = plt.subplots(len(heights), 1, sharex=share_time, figsize=size, height_ratios=heights, squeeze=False)
    try:
        yield list(axes[:, 0])
        figure.suptitle(title)
        figure.tight_layout()
        figure.savefig(path, dpi=100)
    except (OSError, ValueError) as error:
        raise HearthsideError(f"the picture {path} cannot be written: {error}") from error
    finally:
        plt.close(figure)
