"""Things on pins, by name: what is switched, what is dimmed, and what is measured."""
