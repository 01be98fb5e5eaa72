"""python -m device, and the command `hearthside`."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

from device.kit import signals

# To be told to stop is no failure of these; others have not done then what was asked of them.
_RUN_UNTIL_TOLD = (["run"], ["fault"], ["listen"], ["events"], ["mcp"], ["broker", "serve"])


def main() -> int:
    """Run the command line; a signal that comes before or after it ends the process without a word."""
    told = 0 if any(sys.argv[1 : 1 + len(words)] == words for words in _RUN_UNTIL_TOLD) else None
    signals.leave_at_once(told=told)
    # Only now: who is told to stop during the imports leaves without a traceback.
    from device.cli import main as command

    try:
        code = command(told=told)
    except KeyboardInterrupt:
        code = signals.INTERRUPTED
    finally:
        signals.leave_at_once(told=told)
    if sys.argv[1:2] == ["run"]:
        _end(code)
    return code


def _end(code: int) -> NoReturn:
    """End the process without more ado: the house is closed.

    A sound library that hung, or was being opened, may still be at work in a thread of its own. Taken down under it, by
    Python's and the libraries' own cleaning up, the process would crash (libasound, about one time in five).
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
