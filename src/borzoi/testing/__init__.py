"""Test code that speaks HTTP: mocks under the real client, faults, and a clock that nobody waits for."""
