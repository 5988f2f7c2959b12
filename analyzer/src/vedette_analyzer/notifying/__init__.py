"""Telling people: alerts are followed in the archive, queued on disk and sent, by a process of their own."""
