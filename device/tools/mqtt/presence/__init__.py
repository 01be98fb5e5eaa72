"""This device as others see it at the broker: what it says of itself, and what it may be asked."""
