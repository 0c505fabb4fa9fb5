"""Tests of the generator of clients, and of what generated clients import."""
