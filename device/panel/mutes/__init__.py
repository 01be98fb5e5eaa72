"""What holds a mute beside the person's own: a sliding switch, the mute key of a microphone array."""
