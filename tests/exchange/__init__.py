"""The exchange: dialing, the pool, one request over one connection, with real peers in every world."""
