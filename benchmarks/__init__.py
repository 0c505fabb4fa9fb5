"""Borzoi beside its peers: CPU time of the client process for each request, as ratios measured in the same minutes."""
