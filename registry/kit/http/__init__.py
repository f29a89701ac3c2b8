"""What every HTTP answer of ours has in common, whichever area gives it."""
