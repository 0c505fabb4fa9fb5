"""One test body, every world: threads, asyncio, uvloop, trio, and the portable back ends; with real peers on loopback."""
