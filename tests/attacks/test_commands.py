"""A broker that has turned against us, or who stole a key, commands a host: nothing of it is done."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from vedette_schemas import Act, Approve, Command, Notify, digest, topics

from tests import messages
from tests.authority import DAY, make_ca
from tests.enforcer.programs import NOBODY, lives
from tests.tokens import encoded, with_header

from .network import ANALYZER, ENFORCER, HANDS, LISTED, PHRASE, SENSOR, STOLEN, Network
from .raw import publish
from .session import ending, window

pytestmark = [pytest.mark.system, pytest.mark.root]

MINUTE = timedelta(minutes=1)
TOPIC = topics.command(ENFORCER)


def command(attacked: Network, **changes: Any) -> Command:
    """Return a command to end what nothing may end."""
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "id": uuid4(),
        "audience": str(ENFORCER),
        "issued_at": now,
        "expires_at": now + MINUTE,
        "order": ending(attacked.stays("victim")),
    }
    return messages.command(**(fields | changes))


def signed(attacked: Network, by: str, sent: Command) -> str:
    return attacked.identity(by).signer().sign(sent)


# Whose signature does not hold, or who may not command at all

Forgery = Callable[[Network, Command], str]


def unsigned(attacked: Network, sent: Command) -> str:
    return signed(attacked, str(ANALYZER), sent).rpartition(".")[0] + "."


def algorithm_none(attacked: Network, sent: Command) -> str:
    return with_header(unsigned(attacked, sent), alg="none")


def symmetric_with_the_public_key(attacked: Network, sent: Command) -> str:
    certificate = load_pem_x509_certificate(attacked.identity(str(ANALYZER)).certificate.read_bytes())
    key = certificate.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    token = with_header(signed(attacked, str(ANALYZER), sent), alg="HS256").rpartition(".")[0]
    return f"{token}.{encoded(hmac.digest(key, token.encode(), hashlib.sha256))}"


def altered(attacked: Network, sent: Command) -> str:
    """Put another order under a signature that is the analyzer's."""
    harmless = sent.model_copy(update={"order": Notify(uid=NOBODY, title="a", text="b")})
    header, _, signature = signed(attacked, str(ANALYZER), harmless).split(".")
    return ".".join([header, encoded(sent.model_dump_json(exclude_none=True).encode()), signature])


def by_another_ca(attacked: Network, sent: Command) -> str:
    return make_ca(attacked.folder / str(uuid4())).issue(str(ANALYZER)).signer().sign(sent)


def by_another_ca_that_shows_our_certificate(attacked: Network, sent: Command) -> str:
    header = signed(attacked, str(ANALYZER), sent).partition(".")[0]
    ours = json.loads(base64.urlsafe_b64decode(header + "=="))["x5c"]
    return with_header(by_another_ca(attacked, sent), x5c=ours)


def by_an_expired_certificate(attacked: Network, sent: Command) -> str:
    return attacked.authority.issue(str(ANALYZER), valid_from=datetime.now(UTC) - 3 * DAY).signer().sign(sent)


def by_a_host(attacked: Network, sent: Command) -> str:
    """Sign in one's own name, with a certificate that is of the deployment's own CA."""
    return signed(attacked, str(STOLEN[1]), sent.model_copy(update={"issuer": str(STOLEN[1])}))


def by_the_very_host_in_the_analyzers_name(attacked: Network, sent: Command) -> str:
    return signed(attacked, str(ENFORCER), sent)


def an_operators_act_that_calls_itself_a_command(attacked: Network, sent: Command) -> str:
    what = Approve(command_id=sent.id, host=ENFORCER.host, order=digest(sent.order))
    act = Act(
        id=uuid4(), issuer="operator@anna", issued_at=sent.issued_at, expires_at=sent.expires_at, what=what
    )
    return with_header(attacked.identity("operator@anna").signer().sign(act), typ="vedette-command")


FORGERIES: list[Forgery] = [
    unsigned,
    algorithm_none,
    symmetric_with_the_public_key,
    altered,
    by_another_ca,
    by_another_ca_that_shows_our_certificate,
    by_an_expired_certificate,
    by_a_host,
    by_the_very_host_in_the_analyzers_name,
    an_operators_act_that_calls_itself_a_command,
]
"""Ten: so many refusals a minute does an enforcer tell of what nobody who may command has signed."""


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_what_the_analyzer_did_not_sign_is_not_done(attacked: Network, forge: Forgery) -> None:
    sent = command(attacked)
    attacked.hand.publish(TOPIC, forge(attacked, sent).encode())
    told = attacked.alert(lambda alert: alert.detector == "command-refused")
    assert told.host == ENFORCER.host
    assert told.summary.startswith("a command was refused: refused: ")
    assert lives(sent.order.process)  # type: ignore[union-attr]
    assert attacked.is_whole()


# What the analyzer did sign, at another time, for another, or once already


def expired(sent: Command) -> Command:
    return sent.model_copy(
        update={"issued_at": sent.issued_at - 2 * MINUTE, "expires_at": sent.issued_at - MINUTE}
    )


def of_the_future(sent: Command) -> Command:
    return sent.model_copy(
        update={"issued_at": sent.issued_at + MINUTE, "expires_at": sent.expires_at + MINUTE}
    )


def too_long_lived(sent: Command) -> Command:
    return sent.model_copy(update={"expires_at": sent.issued_at + DAY + MINUTE})


def for_another_host(sent: Command) -> Command:
    return sent.model_copy(update={"audience": str(STOLEN[1])})


def for_another_program(sent: Command) -> Command:
    return sent.model_copy(update={"audience": str(SENSOR)})


@pytest.mark.parametrize(
    ("out_of_place", "says"),
    [
        (expired, "it has expired"),
        (of_the_future, "issued in the future"),
        (too_long_lived, "lives longer"),
        (for_another_host, "addressed to another host"),
        (for_another_program, "addressed to another host"),
    ],
)
def test_what_it_did_sign_is_done_at_no_other_time_and_by_no_other_host(
    attacked: Network, out_of_place: Callable[[Command], Command], says: str
) -> None:
    sent = command(attacked)
    attacked.hand.publish(TOPIC, signed(attacked, str(ANALYZER), out_of_place(sent)).encode())
    assert attacked.alert_that_says("a command was refused", says).host == ENFORCER.host
    assert lives(sent.order.process)  # type: ignore[union-attr]
    assert attacked.is_whole()


def test_a_command_that_comes_again_is_not_done_again_and_its_id_is_good_for_nothing_else(
    attacked: Network,
) -> None:
    target = attacked.stays("victim")
    sent = command(attacked, order=ending(target))
    token = signed(attacked, str(ANALYZER), sent)
    attacked.hand.publish(TOPIC, token.encode())
    told = attacked.alert_that_says("command", "did not send")
    assert not lives(target), "so this is how it would be if the attacks above had succeeded"
    assert told.severity == "critical"

    other = command(attacked, id=sent.id)
    attacked.hand.publish(TOPIC, token.encode())
    attacked.hand.publish(TOPIC, signed(attacked, str(ANALYZER), other).encode())
    assert attacked.alert_that_says("a command was refused", "its id came before with another order")
    assert lives(other.order.process)  # type: ignore[union-attr]
    assert attacked.is_whole()


def test_a_captured_command_ends_no_other_program_of_that_name(attacked: Network) -> None:
    attacked.is_whole()
    captured = attacked.hears(TOPIC)
    later = attacked.stays(LISTED)
    for _ in range(20):
        attacked.hand.publish(TOPIC, captured)
    with attacked.session() as session:
        session.hand_over(window(None, PHRASE))
    attacked.alert_that_says("whose window it is can't be told")
    assert lives(later)
    assert attacked.is_whole()


def test_ten_thousand_pieces_of_garbage_are_told_in_few_words_and_keep_no_command_away(
    attacked: Network,
) -> None:
    before = len(attacked.log("enforcer"))
    with attacked.wire(HANDS[1]) as wire:
        for number in range(10_000):
            wire.send(publish(TOPIC, b"\xff\x00" * (number % 50) + b"a.b.c", qos=0))
        assert attacked.is_whole()
    assert len(attacked.log("enforcer")) - before < 10_000
