"""What a card carries to its first boot. Standard library only, for Python 3.9: it runs on a person's computer."""
