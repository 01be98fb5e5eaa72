"""Hearthside: smart-speaker software for the Raspberry Pi."""

__version__ = "0.1.0"
