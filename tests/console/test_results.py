"""What an operator is told of an act: the host's answer, not the analyzer's alone."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from vedette_console.results import Came, Result, result
from vedette_schemas import ActAnswer, Action, Alert, Approve, Direct, Isolate, OutcomeStatus, TakeBack

from tests.archive.history import alert

NAME = UUID(int=7)
ISOLATE = Direct(host="host-7", order=Isolate(ttl_seconds=60))
UNDO = TakeBack(command_id=NAME)


def answer(*, done: bool = True, words: str = "host-7: doing it") -> ActAnswer:
    command_id = NAME if done else None
    return ActAnswer(audience="operator@anna", act_id=uuid4(), done=done, words=words, command_id=command_id)


def final(outcome: OutcomeStatus | None, done: str, action: Action = Action.ISOLATE) -> Alert:
    return alert(1, command_id=NAME, outcome=outcome, done=done, action=action)


def came(what: Approve | Direct | TakeBack, said: ActAnswer, told: Alert | None) -> tuple[Came, str]:
    found = result(what, "host-7", said, told)
    return found.came, found.words


@pytest.mark.parametrize(
    ("outcome", "done", "expected"),
    [
        (OutcomeStatus.DONE, "isolated until noon", (Came.DONE, "host-7: isolated until noon")),
        (
            OutcomeStatus.REFUSED,
            "not done: the host refused: not blocked: it is this host",
            (Came.REFUSED, "refused by host-7: not blocked: it is this host"),
        ),
        (OutcomeStatus.FAILED, "failed: no nft", (Came.FAILED, "failed on host-7: no nft")),
        (
            None,
            "not done: operator@bob took it back",
            (Came.FAILED, "host-7: not done: operator@bob took it back"),
        ),
    ],
)
def test_the_hosts_own_answer_is_told(
    outcome: OutcomeStatus | None, done: str, expected: tuple[Came, str]
) -> None:
    assert came(ISOLATE, answer(), final(outcome, done)) == expected


def test_without_one_nobody_says_that_it_is_done() -> None:
    assert came(ISOLATE, answer(), None) == (Came.UNANSWERED, "host-7: doing it")


def test_what_the_analyzer_refuses_is_refused() -> None:
    assert came(ISOLATE, answer(done=False, words="no"), None) == (Came.REFUSED, "no")


def test_what_waited_is_taken_back_without_the_host_but_an_undo_needs_it() -> None:
    withdrawn = final(None, "not done: operator@anna declined it")
    assert came(UNDO, answer(words="host-7: will not do it"), withdrawn) == (
        Came.DONE,
        "host-7: will not do it",
    )
    assert came(UNDO, answer(), final(None, "nobody answered in time", Action.UNDO))[0] is Came.FAILED


def test_what_hosts_say_is_shown_harmlessly() -> None:
    hostile: dict[str, Any] = {"done": "\x1b[2J\n\u202e"}
    for outcome in (*OutcomeStatus, None):
        words = came(ISOLATE, answer(), final(outcome, **hostile))[1]
        assert not {"\x1b", "\n", "\u202e"} & set(words)


def test_json_names_the_command() -> None:
    assert Result(Came.DONE, "words", "host-7", NAME).as_json() == {
        "state": "done",
        "host": "host-7",
        "command_id": str(NAME),
        "words": "words",
    }
