"""fetch for Python: one HTTP client for threads, asyncio and trio."""

__version__ = "0.1.0"
