"""The indicator table: what in an observation hits which rows of the lists."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from ipaddress import IPv4Address, IPv6Address

from vedette_schemas import OperatingSystem

from .addresses import read_address, read_endpoint
from .defanging import mended, visible
from .filehashes import read_hash
from .hosts import read_host
from .indicator import Indicator, IndicatorType, ListAction, Match, Via
from .phrase_index import PhraseIndex
from .program_index import ProgramIndex
from .programs import image, last_title_part
from .shelves import DictShelf, Shelf, Shelves
from .spotting import Spot, hashes, spots
from .urls import carried, read_url
from .web_index import Hit, WebIndex

MAX_TEXT = 65_536
"""Characters of an input that are looked at; what an observation can hold is less."""


class IndicatorTable:
    """Rows of one or more lists, in memory or compiled; it does not change once made.

    Every look-up takes the day it is made `on`: rows that expired before it neither hit nor allow. Where
    a row with `allow` hits a subject (a URL, a program, a phrase, …), no row is reported for it.
    """

    def __init__(self, rows: Iterable[Indicator], compiled: Sequence[Shelf] = ()) -> None:
        """Look in these rows, and in compiled lists."""
        kept = DictShelf(rows)
        shelf: Shelf = kept
        if compiled:
            shelf = Shelves([kept, *compiled] if len(kept) else compiled)
        self._size = len(shelf)
        self._web, self._programs, self._phrases = WebIndex(shelf), ProgramIndex(shelf), PhraseIndex(shelf)
        self._has_hashes = IndicatorType.HASH in shelf.types

    def __len__(self) -> int:
        return self._size

    def url(self, text: str, *, on: date) -> list[Match]:
        """Match a URL that was visited, and the URLs in its parameters (`Via.REDIRECT`)."""
        url = read_url(visible(text[:MAX_TEXT]))
        return _once(self._spot(Spot(url, Via.URL), on)) if url is not None else []

    def host(self, name: str, *, on: date) -> list[Match]:
        """Match a bare host name or address."""
        return self.connection(name, on=on)

    def connection(
        self,
        address: IPv4Address | IPv6Address | str,
        port: int | None = None,
        host: str | None = None,
        *,
        on: date,
    ) -> list[Match]:
        """Match what was reached: an address, `address:port` or host name, the port, the name asked for."""
        if isinstance(address, str):
            reached, port, host = _destination(address[:MAX_TEXT], port, host)
        else:
            reached = address
        name = read_host(visible(host[:MAX_TEXT])) if host is not None else None
        return _settled(self._web.connection_hits(reached, port, name), Via.ADDRESS, on)

    def window(self, title: str, os: OperatingSystem | None = None, *, on: date) -> list[Match]:
        """Match a title: phrases, what it names on the web, and a program named last (`Via.TITLE_END`)."""
        title = visible(title[:MAX_TEXT])
        named = self._programs.name_hits(last_title_part(title), os)
        return [*_settled(named, Via.TITLE_END, on), *_once(self._text(title, on))]

    def clipboard(self, text: str, *, on: date) -> list[Match]:
        """Match free text: phrases, URLs, hosts, addresses, mail domains and hashes."""
        return _once(self._text(visible(text[:MAX_TEXT]), on))

    def program(self, name: str, os: OperatingSystem | None = None, *, on: date) -> list[Match]:
        """Match a program's name."""
        return _settled(self._programs.name_hits(mended(name[:MAX_TEXT]), os), Via.PROGRAM, on)

    def path(self, path: str, os: OperatingSystem | None = None, *, on: date) -> list[Match]:
        """Match a program's path, and its name by the path's last part."""
        return self.process(path, os, on=on)

    def process(
        self, executable: str, os: OperatingSystem | None = None, sha256: str | None = None, *, on: date
    ) -> list[Match]:
        """Match a program by path, name and hash, as one subject: a row allowing one allows all."""
        hits = self._programs.path_hits(mended(executable[:MAX_TEXT]), os)
        digits = read_hash(sha256) if sha256 is not None else None
        if digits is not None:
            hits += self._programs.hash_hits(digits)
        return _settled(hits, Via.PROGRAM, on)

    def command_line(self, text: str, os: OperatingSystem | None = None, *, on: date) -> list[Match]:
        """Match the program that a command line starts; its arguments are no programs."""
        return self.path(image(text[:MAX_TEXT], os), os, on=on)

    def hash(self, text: str, *, on: date) -> list[Match]:
        """Match the hash of a file."""
        digits = read_hash(text[:MAX_TEXT])
        return _settled(self._programs.hash_hits(digits), Via.PROGRAM, on) if digits is not None else []

    def _text(self, text: str, on: date) -> Iterator[Match]:
        for phrase, entry in self._phrases.find(text).items():
            yield from _settled([(row, phrase) for row in entry.rows], Via.TEXT, on)
        for spot in spots(text):
            yield from self._spot(spot, on)
        if self._has_hashes:
            for digits in hashes(text):
                yield from _settled(self._programs.hash_hits(digits), Via.TEXT, on)

    def _spot(self, spot: Spot, on: date) -> list[Match]:
        matches = _settled(self._web.url_hits(spot.url), spot.via, on)
        if spot.url.query:
            for inner in carried(spot.url):
                matches += _settled(self._web.url_hits(inner), Via.REDIRECT, on)
        return matches


def _destination(
    text: str, port: int | None, host: str | None
) -> tuple[IPv4Address | IPv6Address | None, int | None, str | None]:
    address = read_address(text)
    if address is not None:
        return address, port, host
    endpoint = read_endpoint(text)
    if endpoint is not None:
        return *endpoint, host
    name, colon, digits = text.rpartition(":")
    return None, port, host or (name if colon and digits.isdecimal() else text)


def _once(matches: Iterable[Match]) -> list[Match]:
    """Leave out what hit the same row again; the first way to it stays."""
    found: dict[tuple[Indicator, str], Match] = {}
    for match in matches:
        found.setdefault((match.indicator, match.subject), match)
    return list(found.values())


def _settled(hits: list[Hit], via: Via, on: date) -> list[Match]:
    """Return the matches of one subject: rows that live, and none where one of them allows it."""
    if not hits:
        return []
    live = [(row, subject) for row, subject in hits if row.live(on)]
    if any(row.action is ListAction.ALLOW for row, _ in live):
        return []
    return [Match(row, subject, via) for row, subject in live]
