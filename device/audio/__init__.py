"""Sound: from the microphone to the gate, from the answer to the loudspeaker."""
