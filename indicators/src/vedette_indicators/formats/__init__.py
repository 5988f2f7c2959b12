"""The formats that feeds come in. Pure: content in, entries and refusals out."""

from .documents import MAX_DOCUMENT
from .entries import MAX_LINE, Entry, FormatError, Items, Place, Refused
from .reading import Format, read_feed
from .tables import PRESETS, Column, Columns
from .values import on_the_internet
from .writing import row

__all__ = [
    "MAX_DOCUMENT",
    "MAX_LINE",
    "PRESETS",
    "Column",
    "Columns",
    "Entry",
    "Format",
    "FormatError",
    "Items",
    "Place",
    "Refused",
    "on_the_internet",
    "read_feed",
    "row",
]
