"""Simulated surroundings of the device: a product, used by the demo and by the tests."""
