"""Acts on a host, and can undo it."""
