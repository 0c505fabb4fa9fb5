"""The suite: a mirror of `src/borzoi`, and tests about the project itself."""
