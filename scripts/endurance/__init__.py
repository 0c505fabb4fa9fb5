"""Long runs: fuzzing, mix-ups, restarts, a soak, repeats. What they count is in `tests/data/endurance.json`."""
