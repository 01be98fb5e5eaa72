"""Things in the home, wherever they are connected: what they are called, what can be done with them."""
