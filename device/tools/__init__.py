"""What the house can do when it is asked."""
