"""Feeds: fetched, kept on disk and made into lists, by a process of their own."""
