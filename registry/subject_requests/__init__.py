"""What persons ask for: to see what is stored, to have it restricted or erased; and keys that are destroyed."""
