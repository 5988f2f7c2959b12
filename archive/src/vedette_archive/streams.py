"""The rows of streams, as who writes needs them: read with one statement, made where there are none."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from vedette_schemas import Ranges, Stream

_INSERT = (
    "INSERT INTO streams (principal, host, spool, kind) SELECT json_extract(value, '$[0]'), "
    "json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]') "
    "FROM json_each(?) WHERE true ON CONFLICT DO NOTHING"
)
# The archived ranges from the floor on, and the one that reaches it from below.
_READ = (
    "SELECT json_group_array(json_array(n.key, s.id, s.declared, s.floor, "
    "CASE WHEN s.closed THEN s.next END, json("
    "(SELECT json_group_array(json_array(first, last)) FROM ranges WHERE stream_id = s.id "
    "AND fate = 'archived' AND first >= ifnull((SELECT max(first) FROM ranges "
    "WHERE stream_id = s.id AND fate = 'archived' AND first <= s.floor), s.floor))"
    "))) FROM json_each(?) n CROSS JOIN streams s WHERE s.principal = json_extract(n.value, '$[0]') "
    "AND s.spool = json_extract(n.value, '$[1]') AND s.kind = json_extract(n.value, '$[2]')"
)


@dataclass(frozen=True, slots=True)
class StreamRow:
    """What storing needs of a stream.

    `archived` are the ranges that touch its floor or lie above it, `end` is the next number of a closed one.
    """

    id: int
    declared: int
    floor: int
    end: int | None
    archived: Ranges


def open_streams(connection: sqlite3.Connection, streams: Collection[Stream]) -> dict[Stream, StreamRow]:
    """Read the rows of streams; make those that are not there."""
    names = list(streams)
    found = _read(connection, names)
    if len(found) < len(names):
        missing = [
            (stream.principal, host_of(stream.principal), stream.spool, stream.kind)
            for stream in names
            if stream not in found
        ]
        connection.execute(_INSERT, (json.dumps(missing),))
        found = _read(connection, names)
    return found


def host_of(principal: str) -> str:
    """Return the host that a principal is on."""
    return principal.rpartition("@")[2]


def _read(connection: sqlite3.Connection, names: list[Stream]) -> dict[Stream, StreamRow]:
    rows = json.loads(connection.execute(_READ, (json.dumps(names),)).fetchone()[0])
    return {
        names[at]: StreamRow(
            stream_id, declared, floor, end, Ranges(tuple(sorted((first, last) for first, last in archived)))
        )
        for at, stream_id, declared, floor, end, archived in rows
    }
