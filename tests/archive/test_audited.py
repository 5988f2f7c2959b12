"""What of that which is stored is in the audit, and how audit and incidents get old."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic import command as alembic
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
from vedette_analyzer.grouping import put_into_incidents
from vedette_archive import (
    Approved,
    ArchivedAct,
    Batch,
    Ending,
    Entry,
    Reader,
    Retention,
    Triaged,
    Undone,
    Writer,
    check,
    schema,
)
from vedette_archive.migrating import configuration
from vedette_schemas import IncidentStatus

from tests.archive.history import OUTCOMES, alert, answer, command, run
from tests.messages import NOON, at

ANNA = "operator@anna"
ID = UUID(int=7)


def act(number: int = 9, **changes: Any) -> ArchivedAct:
    fields: dict[str, Any] = {
        "issuer": ANNA,
        "at": NOON,
        "kind": "undo",
        "done": True,
        "words": "it is undone",
    }
    return ArchivedAct(UUID(int=number), token="x.y.z", **(fields | changes))


def told(reader: Reader) -> list[tuple[str, str, str, str]]:
    return [(row.who, row.what, row.host, row.words) for row in reader.audit.rows()][::-1]


def test_an_act_is_put_down_once_with_its_answer(writer: Writer, reader: Reader) -> None:
    writer.store(Batch(acts=(act(command_id=ID),)))
    writer.store(Batch(acts=(act(command_id=ID), act(10, done=False, words="refused"))))
    first, second = reader.audit.rows()[::-1]
    assert (first.who, first.what, first.about, first.at) == (ANNA, "act.undo", str(ID), NOON)
    assert (first.words, first.facts["done"], first.facts["act"]) == ("it is undone", True, str(UUID(int=9)))
    assert (second.about, second.facts["done"]) == (str(UUID(int=10)), False)
    assert len(str(first.facts["token"])) == 64


def test_what_was_ordered_and_how_it_ended_is_put_down_once(writer: Writer, reader: Reader) -> None:
    batch = Batch(
        runs=(run(stream=OUTCOMES),),
        commands=(command(), command(8, waits=True, indicator="host|evil.test")),
        answers=(answer(), answer(8, ending=Ending.EXPIRED, outcome=None)),
    )
    writer.store(batch)
    writer.store(batch)
    assert told(reader) == [
        ("analyzer@0", "command.terminate", "host-7", "terminate game (pid 4242)"),
        ("analyzer@0", "command.terminate", "host-7", "terminate game (pid 4242), once it is approved"),
        ("enforcer@host-7", "ended.done", "host-7", "terminate: done"),
        ("analyzer@0", "ended.expired", "host-7", "terminate: expired"),
    ]


def test_what_an_operator_ordered_names_the_operator(writer: Writer, reader: Reader) -> None:
    writer.store(Batch(commands=(command(ordered_by=ANNA),)))
    assert told(reader)[0][0] == ANNA


def test_what_a_host_released_by_itself_is_put_down(writer: Writer, reader: Reader) -> None:
    by = "the console of host-7"
    undone = (Undone(ID, ANNA, NOON, at(9)), Undone(ID, by, at(1), at(9), lifted=True))
    writer.store(Batch(commands=(command(),), undone=undone))
    assert told(reader)[1:] == [(by, "host.released", "", "released at the host's own console")]


def test_what_programs_say_is_put_down(writer: Writer, reader: Reader) -> None:
    writer.store(Batch(audit=(Entry(NOON, "analyzer@0", "analyzer.started", "version 1"),)))
    assert told(reader) == [("analyzer@0", "analyzer.started", "", "version 1")]


def test_what_is_not_committed_is_in_no_row(writer: Writer, reader: Reader) -> None:
    def fails() -> None:
        with writer.transaction() as books:
            books.store(Batch(acts=(act(),)))
            assert books.audit_head.number == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert reader.audit.head == (0, "")
    writer.store(Batch(approvals=(Approved(ID, ANNA, NOON, at(9), "x.y.z"),)))
    assert reader.audit.verify().faults == ()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE acts SET token = 'x.y.w'", [f"act {UUID(int=9)} is not what row 1 says of it"]),
        ("UPDATE acts SET issuer = 'operator@ben'", [f"act {UUID(int=9)} is not what row 1 says of it"]),
        ("UPDATE acts SET words = 'never'", [f"act {UUID(int=9)} is not what row 1 says of it"]),
        ("UPDATE acts SET kind = 'order'", [f"act {UUID(int=9)} is not what row 1 says of it"]),
        ("UPDATE commands SET action = 'block'", [f"command {ID} is not what row 2 says of it"]),
        (
            "UPDATE commands SET body = replace(body, '4242', '1')",
            [f"command {ID} is not what row 2 says of it"],
        ),
        ("DELETE FROM acts", []),
    ],
)
def test_what_an_act_or_a_command_was_is_known_by_its_row(
    writer: Writer, reader: Reader, path: Path, statement: str, found: list[str]
) -> None:
    writer.store(Batch(acts=(act(),), commands=(command(),)))
    assert reader.audit.verify().faults == ()
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()
    assert [fault.words for fault in reader.audit.verify().faults] == found


def remove_all(writer: Writer, days: float, retention: Retention | None = None) -> int:
    removed = 0
    while count := writer.remove_expired(retention or Retention(), NOON + timedelta(days=days), step=3):
        removed += count
    return removed


def test_what_is_old_goes_from_the_audit_and_the_rest_is_whole(
    writer: Writer, reader: Reader, path: Path
) -> None:
    for day in range(10):
        entry = Entry(NOON + timedelta(days=day), "analyzer@0", "analyzer.started", f"day {day}")
        writer.store(Batch(audit=(entry,)))
    assert remove_all(writer, 95, Retention(audit=90)) == 5
    assert [words for *_, words in told(reader)][:5] == [f"day {day}" for day in range(5, 10)]
    assert reader.audit.verify().cut == 5
    assert check(path) == []
    assert remove_all(writer, 95, Retention(audit=90)) == 0


def test_incidents_go_with_their_alerts(writer: Writer, reader: Reader, path: Path) -> None:
    late = NOON + timedelta(days=200)
    for batch in ((alert(1), alert(2, host="host-8")), (alert(3, at=late),)):
        with writer.transaction() as books:
            put_into_incidents(books, batch, books.store(Batch(alerts=batch)))
    triaged = Triaged((reader.incidents.page().incidents[-1].id,), ANNA, NOON, IncidentStatus.RESOLVED)
    writer.store(Batch(triaged=(triaged,)))
    assert remove_all(writer, 364) == 0
    # of two incidents each: the alert, that it belongs there, the line, the host, itself; and a step of one
    assert remove_all(writer, 366) == 2 * 5 + 1
    (left,) = reader.incidents.page().incidents
    assert left.opened_at == late
    assert check(path) == []


def test_what_disagrees_about_incidents_is_found(writer: Writer, path: Path) -> None:
    with writer.transaction() as books:
        put_into_incidents(books, [alert(1)], books.store(Batch(alerts=(alert(1),))))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE incidents SET alerts = 2, status = 'lost'")
        connection.execute("UPDATE incident_alerts SET incident = 99")
    connection.close()
    found = check(path)
    assert [line.split(":")[1].strip() for line in found] == [
        "it counts 2 alerts in 1 lines on 1 hosts; its lines say 1 in 1, and there are 1",
        "its incident (99) is not known",
        "it is lost, which is nothing that an incident can be",
    ]


def test_an_archive_from_before_there_was_an_audit_gets_one(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        config = configuration()
        with create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool).begin() as borrowed:
            config.attributes["connection"] = borrowed
            alembic.upgrade(config, "0004")
        connection.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
        connection.execute("INSERT INTO archive (id, name, created_at) VALUES (1, 'its name', 0)")
    with Writer(path) as writer, Reader(path) as reader:
        writer.store(Batch(acts=(act(),)))
        assert reader.audit.verify()[:3] == (1, 0, reader.audit.head)
