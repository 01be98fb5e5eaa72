"""What a home has besides this device, simulated."""
