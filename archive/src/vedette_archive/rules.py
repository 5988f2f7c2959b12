"""What must hold in an archive: a sentence for each way in which it does not, and the query that finds it."""

from typing import NamedTuple

# ruff: noqa: S608 - the queries are put together from words of this file alone


class Rule(NamedTuple):
    """A sentence with places for a row of `query`; each row is something wrong."""

    sentence: str
    query: str


_STREAM = "s.principal || ' ' || s.spool || ' ' || s.kind"
_ARCHIVED = (
    "{0}.number <= ifnull((SELECT r.last FROM ranges r WHERE r.stream_id = {0}.stream_id"
    " AND r.fate = 'archived' AND r.first <= {0}.number ORDER BY r.first DESC LIMIT 1), 0)"
)
# What came of an observation is kept, even where it was given up before it arrived.
_SETTLED = "({0}.number < (SELECT floor FROM streams WHERE id = {0}.stream_id) OR " + _ARCHIVED + ")"


def _holds(sentence: str, table: str, condition: str) -> Rule:
    return Rule(
        sentence,
        f"""
        SELECT {_STREAM}, o.number FROM {table} o JOIN streams s ON s.id = o.stream_id
        WHERE NOT {condition.format("o")}""",
    )


_NUMBERS = (
    Rule(
        "stream {}: its ranges hold {}, the tables {} observations and {} unreadable items; {} have expired",
        f"""
        SELECT {_STREAM}, claimed, held, raw, s.expired FROM streams s JOIN (
            SELECT id,
                (SELECT ifnull(sum(last - first + 1), 0) FROM ranges
                    WHERE stream_id = id AND fate = 'archived') AS claimed,
                (SELECT count(*) FROM observations WHERE stream_id = id) AS held,
                (SELECT count(*) FROM unreadable WHERE stream_id = id) AS raw
            FROM streams) USING (id)
        WHERE claimed <> held + raw + s.expired""",
    ),
    _holds("stream {}: observation {} is there, but its ranges don't say so", "observations", _ARCHIVED),
    _holds("stream {}: unreadable item {} is there, but its ranges don't say so", "unreadable", _ARCHIVED),
    Rule(
        "stream {}: number {} is there both as an observation and as an unreadable item",
        f"""
        SELECT {_STREAM}, u.number FROM unreadable u JOIN streams s ON s.id = u.stream_id
        WHERE EXISTS (SELECT 1 FROM observations o
            WHERE o.stream_id = u.stream_id AND o.number = u.number)""",
    ),
    Rule(
        "stream {}: observation {} is of kind {}",
        f"""
        SELECT {_STREAM}, o.number, o.kind FROM observations o JOIN streams s ON s.id = o.stream_id
        WHERE o.kind <> s.kind""",
    ),
    Rule(
        "stream {}: {} from {} to {} is no range",
        f"""
        SELECT {_STREAM}, r.fate, r.first, r.last FROM ranges r JOIN streams s ON s.id = r.stream_id
        WHERE r.first < 1 OR r.last < r.first
            OR r.fate NOT IN ('archived', 'dropped', 'missing', 'lost')""",
    ),
    Rule(
        "stream {}: the ranges {} from {} and from {} touch",
        f"""
        SELECT {_STREAM}, fate, before, first FROM streams s JOIN (
            SELECT stream_id, fate, first,
                lag(first) OVER each AS before, max(last) OVER (each ROWS BETWEEN UNBOUNDED PRECEDING
                    AND 1 PRECEDING) AS reached
            FROM ranges WINDOW each AS (PARTITION BY stream_id, fate ORDER BY first)) ON stream_id = s.id
        WHERE first <= reached + 1""",
    ),
    Rule(
        "stream {}: number {} ended as {} and as something else",
        f"""
        SELECT {_STREAM}, first, fate FROM streams s JOIN (
            SELECT stream_id, fate, first,
                max(last) OVER (PARTITION BY stream_id ORDER BY first, fate
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
            FROM ranges) ON stream_id = s.id
        WHERE first <= reached""",
    ),
    Rule(
        "stream {}: all below {} should be settled, but of {} it is not known what became of them",
        f"""
        SELECT {_STREAM}, s.floor, s.floor - 1 - settled FROM streams s JOIN (
            SELECT id, (SELECT ifnull(sum(min(last, floor - 1) - first + 1), 0) FROM ranges
                WHERE stream_id = id AND first < floor) AS settled
            FROM streams) USING (id)
        WHERE settled < s.floor - 1""",
    ),
    Rule(
        "stream {}: numbers up to {} are declared lost, but the stream says {}",
        f"""
        SELECT {_STREAM}, highest, s.declared FROM streams s JOIN (
            SELECT stream_id, max(last) AS highest FROM ranges
            WHERE fate <> 'archived' GROUP BY stream_id)
            ON stream_id = s.id
        WHERE highest > s.declared""",
    ),
)
_STREAMS = (
    Rule(
        "stream {}: closed, but not final",
        f"SELECT {_STREAM} FROM streams s WHERE closed AND NOT final",
    ),
    Rule(
        "stream {}: both closed and vanished",
        f"SELECT {_STREAM} FROM streams s WHERE closed AND vanished",
    ),
    Rule(
        "stream {}: since when it is over is known, but it is not over",
        f"SELECT {_STREAM} FROM streams s WHERE over_at IS NOT NULL AND NOT closed AND NOT vanished",
    ),
    Rule(
        "stream {}: its numbers don't make sense (floor {}, next {}, ordinal {})",
        f"""
        SELECT {_STREAM}, floor, next, ordinal FROM streams s
        WHERE min(floor, next, doubtful) < 1 OR min(ordinal, untold, went_back, declared, expired) < 0""",
    ),
    Rule(
        "stream {}: it belongs to host {}",
        f"SELECT {_STREAM}, host FROM streams s WHERE substr(principal, -length(host)) <> host",
    ),
    Rule(
        "sender {}: what is known of its heartbeats can't be read",
        "SELECT principal FROM senders WHERE NOT json_valid(beats) OR NOT json_valid(lost)"
        " OR (told IS NOT NULL AND NOT json_valid(told))",
    ),
    Rule(
        "sender {}: it was heard, but how it was is not known",
        "SELECT principal FROM senders WHERE (life IS NULL) <> (heard_at IS NULL)",
    ),
)
_OTHERS = (
    Rule(
        "epoch {}: {} commits",
        "SELECT epoch, commits FROM epochs WHERE commits < 0",
    ),
    Rule(
        "the last commit was made in epoch {}, which is not known",
        "SELECT ifnull(epoch, 'none') FROM archive a WHERE NOT EXISTS ("
        "SELECT 1 FROM epochs e WHERE e.epoch = a.epoch)",
    ),
    Rule(
        "{} numbers of forgotten streams ended as {}",
        "SELECT numbers, fate FROM forgotten WHERE numbers < 0",
    ),
    Rule(
        "follower {}: it has come to alert {}, and there are {}",
        """
        SELECT name, sequence, newest FROM followers,
            (SELECT ifnull(max(seq), 0) AS newest FROM sqlite_sequence WHERE name = 'alerts')
        WHERE sequence > newest""",
    ),
    _holds("stream {}: a finding is about number {}, which was never archived", "findings", _SETTLED),
    Rule(
        "command {}: answered by an outcome that was never archived",
        f"SELECT o.id FROM commands o WHERE o.number IS NOT NULL AND NOT {_SETTLED.format('o')}",
    ),
    Rule(
        "command {}: it ended ({}) without an outcome",
        "SELECT id, ending FROM commands WHERE ending NOT IN ('expired', 'withdrawn') AND number IS NULL",
    ),
    Rule(
        "command {}: it ended ({}) though nobody approved it",
        "SELECT id, ending FROM commands WHERE waits AND ending NOT IN ('expired', 'withdrawn')",
    ),
    Rule(
        "command {}: how long it lasts is known, but it was neither carried out nor undone",
        "SELECT id FROM commands WHERE until IS NOT NULL AND ending IS NOT 'done' AND undone_at IS NULL",
    ),
    Rule(
        "command {}: a block or an isolation was carried out, and how long it lasts is not known",
        "SELECT id FROM commands WHERE until IS NULL AND ending = 'done' AND action IN ('block', 'isolate')",
    ),
    Rule(
        "command {}: an undo that doesn't say of what",
        "SELECT id FROM commands WHERE (action = 'undo') <> (undoes IS NOT NULL)",
    ),
    Rule(
        "act {}: {}, which is nothing that an operator can do",
        "SELECT id, kind FROM acts WHERE kind NOT IN "
        "('approve', 'undo', 'order', 'suppress', 'lift', 'incident')",
    ),
    Rule(
        "hidden alert {}: suppression {}, which hid it, is not known",
        """
        SELECT id, suppression_id FROM hidden h WHERE NOT EXISTS (
            SELECT 1 FROM suppressions s WHERE s.id = h.suppression_id)""",
    ),
    Rule(
        "suppression {}: it has hidden {} alerts, and {} of them are kept",
        """
        SELECT s.id, s.hidden, count(*) FROM suppressions s JOIN hidden h ON h.suppression_id = s.id
        GROUP BY s.id HAVING count(*) > s.hidden""",
    ),
    Rule(
        "alert {}: it waits for command {}, which has ended or is not known",
        """
        SELECT a.id, a.command_id FROM alerts a WHERE a.state = 'pending' AND NOT EXISTS (
            SELECT 1 FROM commands c WHERE c.id = a.command_id AND c.ending IS NULL)""",
    ),
)

RULES = _NUMBERS + _STREAMS + _OTHERS
