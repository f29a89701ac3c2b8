"""How fast the main paths are, as ratios to the engine's own limit, taken in the same run and interleaved."""
