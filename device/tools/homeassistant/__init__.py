"""Home Assistant: what a home has there becomes a few tools that the model can use."""
