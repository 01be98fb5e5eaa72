"""How fast this machine does the work of the house; nothing is opened, and nothing leaves it."""
