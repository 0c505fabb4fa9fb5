"""What may be fuzzed: functions from bytes to nothing, which raise where something is wrong."""
