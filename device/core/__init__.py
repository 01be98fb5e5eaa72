"""The decisions: facts in, orders out. No I/O, no clock, standard library only."""
