"""Searching the archive for what came on a list after it was seen."""
