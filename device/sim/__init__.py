"""Simulated surroundings: a product, used by the demo and by the tests."""
