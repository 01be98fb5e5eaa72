"""Throw mutated requests at a broker over a socket: each must end in 4xx, and none may reach the provider.

.venv/bin/python scripts/fuzz_broker.py            ten thousand requests, others each time
.venv/bin/python scripts/fuzz_broker.py --seed 7   what that seed gives, again

Exit code 1 when something else came of one, with the seed and the request.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.broker.fuzz import LIMITS, throw  # noqa: E402 - the root is put on the path above
from tests.broker.stage import broker  # noqa: E402


async def run(seed: int, count: int) -> int:
    """Throw them; return the exit code."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-broker-") as folder:
        async with broker(Path(folder), **LIMITS) as stage:
            ended, wrong = await throw(stage, seed, count)
            asked = stage.provider.asked_for_secrets
    print(", ".join(f"{status}: {times}" for status, times in sorted(ended.items())))
    print(f"{count} requests with --seed {seed} in {time.monotonic() - began:.0f} s")
    for request in wrong[:5]:
        print(f"BROKEN by {request!r:.2000}")
    if asked:
        print(f"BROKEN: the provider was asked {asked} times")
    return 1 if wrong or asked else 0


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="a random one")
    options = parser.parse_args(arguments)
    return asyncio.run(run(options.seed, options.requests))


if __name__ == "__main__":
    sys.exit(main())
