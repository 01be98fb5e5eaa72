"""What drives the lights: pins, SPI, USB."""
