"""Tests about the project itself: its shape, its cost at import, its public names, its tests."""
