"""What operators use: the vedette command."""
