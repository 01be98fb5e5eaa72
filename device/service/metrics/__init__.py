"""Figures for Prometheus. Loaded only where they are configured: 3 MB and 0.1 s of a start."""
