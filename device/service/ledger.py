"""What the conversations have cost since the start, as the provider counts it."""

from __future__ import annotations

from collections import Counter

from device.ports.provider import Usage


class Ledger:
    """Adds up what each response cost."""

    def __init__(self) -> None:
        self.tokens: Counter[str] = Counter()
        """By kind: see Usage."""
        self.usd = 0.0
        """Of the responses whose price is known."""
        self.has_unknown_price = False
        """Whether there was a response whose price is not."""

    def note(self, usage: Usage) -> None:
        """Add a response."""
        self.tokens.update(usage.tokens)
        if usage.usd is None:
            self.has_unknown_price = True
        else:
            self.usd += usage.usd
