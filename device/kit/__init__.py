"""Tools of the house itself: they know nothing of what it does."""
