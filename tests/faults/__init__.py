"""The table of faults: what a peer, a network or a program does wrong, and the one right outcome of each, in every world."""
