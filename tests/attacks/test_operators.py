"""Acts that no operator signed, or one who is none any more: nothing of it is ordered."""

import base64
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from vedette_archive import Reader
from vedette_schemas import Act, Direct, Isolate, Principal, decode_alert, decode_answer, encode, topics

from tests import messages
from tests.authority import DAY, make_ca
from tests.tokens import with_header

from .network import ANALYZER, ENFORCER, HANDS, STOLEN, Network
from .raw import connect, is_refused, publish
from .session import WAIT

pytestmark = [pytest.mark.system, pytest.mark.root]

ANNA, BEN = Principal.parse("operator@anna"), Principal.parse("operator@ben")
OTHER = Principal.parse("enforcer@host-8")
MINUTE = timedelta(minutes=1)


def act(**changes: Any) -> Act:
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "id": uuid4(),
        "issuer": str(ANNA),
        "issued_at": now,
        "expires_at": now + MINUTE,
        "what": Direct(host=ENFORCER.host, order=Isolate(ttl_seconds=60)),
    }
    return Act(**(fields | changes))


def signed(attacked: Network, by: Principal, wanted: Act) -> str:
    return attacked.identity(str(by)).signer().sign(wanted)


def ordered(attacked: Network, wanted: Act) -> int:
    """Return how many commands an act has led to."""
    with Reader(attacked.folder / "archive.db") as archive:
        known = archive.act(wanted.id)
        return sum(known is not None and each.id == known.command_id for each in archive.newest_commands())


Forgery = Callable[[Network, Act], str]


def by_a_host(attacked: Network, wanted: Act) -> str:
    return signed(attacked, STOLEN[1], wanted.model_copy(update={"issuer": str(STOLEN[1])}))


def by_a_host_in_annas_name(attacked: Network, wanted: Act) -> str:
    return signed(attacked, STOLEN[0], wanted)


def by_the_analyzer(attacked: Network, wanted: Act) -> str:
    return signed(attacked, ANALYZER, wanted.model_copy(update={"issuer": str(ANALYZER)}))


def by_another_ca(attacked: Network, wanted: Act) -> str:
    return make_ca(attacked.folder / str(uuid4())).issue(str(ANNA)).signer().sign(wanted)


def algorithm_none(attacked: Network, wanted: Act) -> str:
    return with_header(signed(attacked, ANNA, wanted).rpartition(".")[0] + ".", alg="none")


def altered(attacked: Network, wanted: Act) -> str:
    header, _, signature = signed(attacked, ANNA, act()).split(".")
    payload = base64.urlsafe_b64encode(wanted.model_dump_json(exclude_none=True).encode()).rstrip(b"=")
    return ".".join([header, payload.decode(), signature])


def by_an_expired_certificate(attacked: Network, wanted: Act) -> str:
    return attacked.authority.issue(str(ANNA), valid_from=datetime.now(UTC) - 3 * DAY).signer().sign(wanted)


FORGERIES: list[Forgery] = [
    by_a_host,
    by_a_host_in_annas_name,
    by_the_analyzer,
    by_another_ca,
    algorithm_none,
    altered,
    by_an_expired_certificate,
]
"""Fewer than the ten in ten minutes that the analyzer tells of."""


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_an_act_that_its_operator_did_not_sign_orders_nothing(attacked: Network, forge: Forgery) -> None:
    wanted = act()
    attacked.hand.publish(topics.act(ANNA), forge(attacked, wanted).encode())
    told = attacked.alert_that_says(f"an act that {ANNA} is said to want was refused")
    assert told.severity == "high"
    assert ordered(attacked, wanted) == 0
    assert attacked.is_whole()


@pytest.mark.parametrize(
    ("out_of_time", "says"),
    [
        ({"issued_at": -2 * MINUTE, "expires_at": -MINUTE}, "it has expired"),
        ({"issued_at": MINUTE, "expires_at": 2 * MINUTE}, "issued in the future"),
        ({"expires_at": 60 * MINUTE}, "lives longer"),
    ],
)
def test_an_act_out_of_its_time_is_refused_and_its_author_told(
    attacked: Network, out_of_time: dict[str, timedelta], says: str
) -> None:
    now = datetime.now(UTC)
    wanted = act(**{name: now + by for name, by in out_of_time.items()})
    attacked.hand.publish(topics.act(ANNA), signed(attacked, ANNA, wanted).encode())
    answer = decode_answer(topics.ack(ANNA), attacked.hears(topics.ack(ANNA), str(wanted.id).encode()))
    assert says in answer.words
    assert not answer.done
    assert ordered(attacked, wanted) == 0


def test_an_act_under_the_topic_of_another_is_dropped(attacked: Network) -> None:
    wanted = act()
    attacked.hand.publish(topics.act(BEN), signed(attacked, ANNA, wanted).encode())
    assert attacked.is_whole()
    assert ordered(attacked, wanted) == 0


def test_an_act_that_comes_again_is_done_once(attacked: Network) -> None:
    able = messages.status(str(OTHER), at=datetime.now(UTC), facts={"isolate": "on", "undo": "on"})
    attacked.hand.publish(topics.status(OTHER), encode(able))
    wanted = act(what=Direct(host=OTHER.host, order=Isolate(ttl_seconds=60)))
    token = signed(attacked, ANNA, wanted).encode()
    for _ in range(3):
        attacked.hand.publish(topics.act(ANNA), token)
    answer = decode_answer(topics.ack(ANNA), attacked.hears(topics.ack(ANNA), str(wanted.id).encode()))
    assert answer.done
    attacked.hand.publish(topics.act(ANNA), token)
    assert attacked.hears(topics.ack(ANNA), str(wanted.id).encode()), "the answer comes again"
    assert attacked.is_whole()
    with Reader(attacked.folder / "archive.db") as archive:
        found = [each.id for each in archive.newest_commands() if isinstance(each.order, Isolate)]
    assert found == [answer.command_id], "of all the acts of these tests one was carried out, once"


def test_a_revoked_operator_acts_no_more(attacked: Network) -> None:
    """Whoever delivers it: an embedded broker has cut her off, Mosquitto does when it is restarted."""
    honest = attacked.crl.read_bytes()
    anna = attacked.join(str(ANNA), topics.ack(ANNA))
    attacked.revoke(str(ANNA))
    try:
        if attacked.kind == "embedded":
            attacked.await_log("broker", "its certificate is revoked")
            assert is_refused(attacked.broker.address, attacked.tls(str(ANNA)), connect(str(ANNA)))
            said = command_line(attacked, "isolate", ENFORCER.host, "--for", "1m")
            assert said.returncode == 2
            assert "was our certificate revoked?: nothing was done" in said.stderr
        assert ordered(attacked, first_refused(attacked)) == 0
        assert attacked.is_whole()
    finally:
        anna.close()
        attacked.crl.write_bytes(honest)


def test_a_flood_of_forged_acts_is_told_in_few_words(attacked: Network) -> None:
    token = by_a_host_in_annas_name(attacked, act()).encode()
    with attacked.wire(HANDS[1]) as wire:
        for _ in range(3_000):
            wire.send(publish(topics.act(ANNA), token, qos=0))
        assert attacked.is_whole()
    with Reader(attacked.folder / "archive.db") as archive:
        told = [each for each in archive.newest_alerts(500) if each.alert.detector == "act-refused"]
    assert len(told) <= 10


def first_refused(attacked: Network) -> Act:
    """Deliver acts of Anna's until one is refused: the analyzer looks at the list now and then."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        wanted = act()
        attacked.hand.publish(topics.act(ANNA), signed(attacked, ANNA, wanted).encode())
        with suppress(AssertionError):
            alert = decode_alert(attacked.watch.next(0.3)[1])
            if "its signer's certificate was revoked" in alert.summary:
                return wanted
    raise AssertionError("a revoked operator still acts")


def command_line(attacked: Network, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run `vedette` as Anna."""
    folder = attacked.folder / "console"
    folder.mkdir()
    identity, address = attacked.put(folder / "operator", str(ANNA)), attacked.broker.address
    (folder / "operator.toml").write_text(
        f'archive = "{attacked.folder}/archive.db"\nidentity = "{identity}"\n'
        f'[broker]\nhost = "{address.host}"\nport = {address.port}\n'
    )
    command = [sys.executable, "-m", "vedette_console", *words, "--folder", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
