"""All that differs between worlds: sockets, waiting, clocks. One file for each world, one contract in `base`."""
