"""Setting running devices up over SSH. Standard library only, for Python 3.9: it runs on a person's computer."""
