"""The parts of the back ends one by one; what they are together is tested in `tests/worlds`."""
