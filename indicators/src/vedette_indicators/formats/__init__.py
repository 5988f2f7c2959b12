"""The formats that feeds come in. Pure: content in, entries and refusals out."""

from .detecting import BEGINNING, detect
from .documents import MAX_DOCUMENT
from .entries import MAX_LINE, Entry, FormatError, Items, Place, Refused
from .reading import Format, read_feed
from .record import MAX_SAMPLES, FeedRecord, HeldBack
from .tables import PRESETS, Column, Columns
from .values import on_the_internet
from .writing import row

__all__ = [
    "BEGINNING",
    "MAX_DOCUMENT",
    "MAX_LINE",
    "MAX_SAMPLES",
    "PRESETS",
    "Column",
    "Columns",
    "Entry",
    "FeedRecord",
    "Format",
    "FormatError",
    "HeldBack",
    "Items",
    "Place",
    "Refused",
    "detect",
    "on_the_internet",
    "read_feed",
    "row",
]
