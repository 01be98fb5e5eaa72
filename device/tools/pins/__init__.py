"""Things on pins, by name: what is switched, and what is dimmed."""
