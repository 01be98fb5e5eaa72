"""python -m device, and the command `hearthside`."""

from __future__ import annotations

import sys

from device.kit import signals


def main() -> int:
    """Run the command line; a signal that comes before or after it ends the process without a word."""
    signals.leave_at_once()
    # Only now: who is told to stop during the imports leaves without a traceback.
    from device.cli import main as command

    try:
        return command()
    except KeyboardInterrupt:
        return signals.INTERRUPTED
    finally:
        signals.leave_at_once()


if __name__ == "__main__":
    sys.exit(main())
