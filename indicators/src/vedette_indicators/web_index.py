"""The rows about hosts, URLs, addresses and networks, to be hit by exact look-ups only."""

from .addresses import Address, plain, write_endpoint
from .hosts import names_above
from .indicator import Indicator, IndicatorType
from .keys import ADDRESS, ENDPOINT, HOST, PAGE, Lead, network_key
from .shelves import Entry, Shelf
from .urls import Url

Hit = tuple[Indicator, str]


class WebIndex:
    """Finds the rows that a URL or a connection hits."""

    def __init__(self, shelf: Shelf) -> None:
        """Look on this shelf."""
        self._get = shelf.get
        self._widths = sorted(shelf.widths)
        self._has_endpoints = IndicatorType.IP_PORT in shelf.types

    def url_hits(self, url: Url) -> list[Hit]:
        """Return what a URL hits: itself, its folders, its host and those above it, its address."""
        if url.address is not None:
            entry = self._get(HOST + url.host)
            pages = [] if entry is None else self._pages(url, url.host, entry)
            return pages + self._address_hits(url.address, url.port)
        entries = self._entries(url.host)
        if not entries:
            return []
        pages = [hit for name, entry in entries for hit in self._pages(url, name, entry)]
        return pages + [(row, url.host) for _, entry in entries for row in entry.rows]

    def connection_hits(self, address: Address | None, port: int | None, host: str | None) -> list[Hit]:
        """Return what a connection hits."""
        hits = [] if address is None else self._address_hits(plain(address), port)
        if host is not None:
            hits += [(row, host) for _, entry in self._entries(host) for row in entry.rows]
        return hits

    def _entries(self, host: str) -> list[tuple[str, Entry]]:
        get = self._get
        return [
            (name, entry)
            for name in names_above(host)
            if (entry := get(HOST + name)) is not None and (name == host or not entry.lead & Lead.SHARED)
        ]

    def _pages(self, url: Url, host: str, entry: Entry) -> list[Hit]:
        if not entry.lead & Lead.PAGES:
            return []
        subject = str(url)
        found = (self._get(f"{PAGE}{host}{rest}") for rest in url.lookups())
        return [(row, subject) for page in found if page is not None for row in page.rows]

    def _address_hits(self, address: Address, port: int | None) -> list[Hit]:
        subject = str(address)
        hits: list[Hit] = []
        entry = self._get(ADDRESS + subject)
        if entry is not None:
            hits += ((row, subject) for row in entry.rows)
        if port is not None and self._has_endpoints:
            endpoint = write_endpoint(address, port)
            entry = self._get(ENDPOINT + endpoint)
            if entry is not None:
                hits += ((row, endpoint) for row in entry.rows)
        for width in self._widths:
            if width[0] == address.version:
                entry = self._get(network_key(width, address))
                if entry is not None:
                    hits += ((row, subject) for row in entry.rows)
        return hits
