"""What `archive` stores: observations as an office's hosts send them, alerts now and then, over thirty days.

`python -m bench.archive_load PATH ALERT` goes on with them, 2,000 a second, until it is killed.
"""

import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from vedette_analyzer.upkeep import Upkeep
from vedette_archive import Batch, Retention, Run, Writer
from vedette_schemas import (
    Action,
    Alert,
    Kind,
    Match,
    Mode,
    Origin,
    Severity,
    State,
    Stream,
    Where,
    encode,
)

from bench.ingest_load import observation

TOGETHER = 50
"""Observations in a report."""

A_BATCH = 10
"""Reports in a transaction."""

A_COMMIT = TOGETHER * A_BATCH

HOSTS = 300
DAYS = 30
A_SECOND = 2_000
_ORDER = (Kind.CONNECTION,) * 4 + (Kind.PROCESS,) * 3 + (Kind.WINDOW,) * 2 + (Kind.CLIPBOARD,)
_DIGITS = {Kind.CONNECTION: (0, 1, 2, 3), Kind.PROCESS: (4, 5, 6), Kind.WINDOW: (7, 8), Kind.CLIPBOARD: (9,)}
_SEVERITIES = (Severity.LOW,) * 6 + (Severity.MEDIUM,) * 3 + (Severity.HIGH,) * 2 + (Severity.CRITICAL,)


_SEEN_AT = encode(observation(9)).decode().split('"seen_at":"')[1].split('"')[0]


def body(number: int) -> str:
    """Return an observation of those that `ingest` measures with, as its model is written, only faster."""
    program = f"/usr/lib/some/program-{number % 97}"
    process = f'"process":{{"pid":{1000 + number % 30_000},"started":{number},"executable":"{program}"}}'
    match number % 10:
        case 0 | 1 | 2 | 3:
            low = number % 65_536
            what = (
                f'"connection","seen_at":"{_SEEN_AT}","os":"linux","address":"10.0.{low >> 8}.{low & 255}",'
                f'"port":443,"host":"host-{number % 300}.example.org",{process},"uid":1000'
            )
        case 4 | 5 | 6:
            what = (
                f'"process","seen_at":"{_SEEN_AT}","os":"linux",{process},"uid":1000,"sha256":"{"ab" * 32}"'
            )
        case 7 | 8:
            title = f"Quarterly report {number} – notes and figures - Some Editor"
            what = (
                f'"window","seen_at":"{_SEEN_AT}","os":"linux","title":"{title}","uid":1000,{process},'
                '"pid_from":"server"'
            )
        case _:
            text = f"a line that somebody copied, number {number}"
            what = f'"clipboard","seen_at":"{_SEEN_AT}","text":"{text}","length":{len(text)},"uid":1000'
    return f'{{"kind":{what}}}'


if any(body(number) != encode(observation(number)).decode() for number in range(10_000_000, 10_000_010)):
    raise AssertionError("observations are written otherwise now")


class Load:
    """Batches, one after another, as from an office of 300 hosts."""

    def __init__(self, spool: str, first_alert: int, since: datetime, step: timedelta) -> None:
        """Begin with this alert; an observation comes each `step` since then."""
        self._spool, self._alerts = spool, first_alert
        self._since, self._step = since, step
        self._next: dict[Stream, int] = {}
        self._reports = 0

    def batch(self) -> Batch:
        """Return the next 500, with five alerts."""
        at = self._since + self._reports * TOGETHER * self._step
        runs = tuple(self._run(at) for _ in range(A_BATCH))
        return Batch(runs=runs, alerts=tuple(self._told(at + n * self._step) for n in range(5)))

    def _run(self, at: datetime) -> Run:
        number = self._reports
        self._reports += 1
        kind = _ORDER[number % len(_ORDER)]
        stream = Stream(f"sensor@host-{number * 7 % HOSTS}", self._spool, kind)
        first = self._next.get(stream, 1)
        self._next[stream] = first + TOGETHER
        digits = _DIGITS[kind]
        items = [body(10 * (number * TOGETHER + n) + digits[n % len(digits)]) for n in range(TOGETHER)]
        return Run(stream, first, TOGETHER, at, f"[{','.join(items)}]")

    def _told(self, at: datetime) -> Alert:
        number = self._alerts
        self._alerts += 1
        host = f"host-{number * 7 % HOSTS}"
        kind = _ORDER[number % len(_ORDER)]
        origin = Origin(principal=f"sensor@{host}", spool=self._spool, kind=kind, number=1 + number)
        listed = f"bad-{number % 997}.example.org"
        return Alert(
            id=UUID(int=number),
            state=State.FINAL,
            at=at,
            host=host,
            severity=_SEVERITIES[number % len(_SEVERITIES)],
            detector=("listed-window", "listed-connection", "listed-process")[number % 3],
            summary=f"{host} reached {listed}, which a list names",
            mode=Mode.ENFORCE,
            action=Action.ALERT,
            done="alerted",
            origin=origin,
            match=Match(
                type="host",
                value=listed,
                subject=f"https://{listed}/path/{number}",
                where=Where.ADDRESS,
                list="blocklist.csv",
                line=1 + number % 997,
            ),
        )


def batches(events: int, until: datetime) -> Iterator[Batch]:
    """Yield all of them."""
    step = timedelta(days=DAYS) / events
    load = Load("00112233aabbccdd", 0, until - timedelta(days=DAYS), step)
    for _ in range(events // A_COMMIT):
        yield load.batch()


def main() -> None:
    """Go on as said above, words indexed as the analyzer does it; a line a second: how much was written."""
    path, first_alert = Path(sys.argv[1]), int(sys.argv[2])
    load = Load(f"{os.getpid():016x}", first_alert, datetime.now(UTC), timedelta(seconds=1 / A_SECOND))
    with Writer(path) as writer:
        upkeep = Upkeep(writer, Retention(clipboard=400, window=400, process=400, connection=400))
        began, written = time.monotonic(), 0
        while True:
            writer.store(load.batch())
            upkeep.more_came()
            written += A_COMMIT
            due = began + written / A_SECOND
            while (left := due - time.monotonic()) > 0:
                time.sleep(min(left, upkeep.seconds_left))
                upkeep.do_what_is_due(is_busy=False)
            sys.stdout.write(f"{written / (time.monotonic() - began):.0f}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
