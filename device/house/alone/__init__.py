"""What the device says and does while its house is not open: before the start."""
