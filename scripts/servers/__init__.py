"""Real servers and proxies to send requests to: get them, run `tests/servers/` against them, show what came of it."""
