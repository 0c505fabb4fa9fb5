"""Dialing, the pool, and one exchange: `async def`, written once for every world."""
