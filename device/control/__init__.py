"""The control socket: how people and programs on this device look at the house, and tell it to mute or to be quiet."""
