"""The machine's service manager."""
