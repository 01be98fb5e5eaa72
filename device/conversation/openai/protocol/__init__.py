"""What is said and when, as a state machine without I/O."""
