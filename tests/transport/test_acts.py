"""Which acts are carried out: those signed by a console or operator of this deployment, now; nothing else."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vedette_schemas import Act, Approve, Command, Direct, Isolate, Principal, Undo
from vedette_transport.signing import ActRefusedError, ActVerifier, CommandRefusedError, Verifier

from tests import messages
from tests.authority import DAY, Authority, Issued, make_ca
from tests.tokens import encoded, with_header

ANNA = "operator@anna"


def act(**changes: Any) -> Act:
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "id": uuid4(),
        "issuer": ANNA,
        "issued_at": now,
        "expires_at": now + timedelta(minutes=1),
        "what": Approve(command_id=uuid4(), host="host-7", order="ab" * 32),
    }
    return Act(**(fields | changes))


def command(**changes: Any) -> Command:
    now = datetime.now(UTC)
    return messages.command(issued_at=now, expires_at=now + timedelta(minutes=1), **changes)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def anna(authority: Authority) -> Issued:
    return authority.issue(ANNA)


@pytest.fixture(scope="module")
def verifier(authority: Authority) -> ActVerifier:
    return ActVerifier(authority.path)


def refused(verifier: ActVerifier, token: str) -> ActRefusedError:
    with pytest.raises(ActRefusedError) as error:
        verifier.verify(token, datetime.now(UTC))
    return error.value


@pytest.mark.parametrize("name", [ANNA, "console@main"])
def test_a_consoles_and_an_operators_acts_are_carried_out(
    authority: Authority, verifier: ActVerifier, name: str
) -> None:
    signer = authority.issue(name).signer()
    isolate = act(issuer=name, what=Direct(host="host-7", order=Isolate(ttl_seconds=60)))
    assert verifier.verify(signer.sign(isolate), datetime.now(UTC)) == isolate
    assert str(signer.principal) == name


# Attacks whose signature does not hold, or whose signer may not act: nothing is known of the act.

Attack = Callable[[Authority, Issued], str]


def by(name: str) -> Attack:
    def attack(authority: Authority, _: Issued) -> str:
        issuer = name if re.fullmatch(r"[a-z]+@[a-z0-9-]+", name) else ANNA
        return authority.issue(name).signer().sign(act(issuer=issuer))

    return attack


def unsigned(_: Authority, anna: Issued) -> str:
    return anna.signer().sign(act()).rpartition(".")[0] + "."


def algorithm_none(authority: Authority, anna: Issued) -> str:
    return with_header(unsigned(authority, anna), alg="none")


def symmetric_with_the_public_key(_: Authority, anna: Issued) -> str:
    certificate = load_pem_x509_certificate(anna.certificate.read_bytes())
    key = certificate.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signed = with_header(anna.signer().sign(act()), alg="HS256").rpartition(".")[0]
    return f"{signed}.{encoded(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def another_deployment(authority: Authority, _: Issued) -> str:
    return make_ca(authority.folder / str(uuid4())).issue(ANNA).signer().sign(act())


def another_deployment_with_our_certificate(authority: Authority, anna: Issued) -> str:
    header = anna.signer().sign(act()).partition(".")[0]
    ours = json.loads(base64.urlsafe_b64decode(header + "=="))["x5c"]
    return with_header(another_deployment(authority, anna), x5c=ours)


def below_a_leaf(authority: Authority, anna: Issued) -> str:
    leaf = load_pem_x509_certificate(anna.certificate.read_bytes())
    middle = Authority(authority.folder / str(uuid4()), ec.generate_private_key(ec.SECP256R1()), leaf)
    middle.folder.mkdir()
    return middle.issue(ANNA).signer().sign(act())


def by_a_ca_below_ours(authority: Authority, _: Issued) -> str:
    return authority.issue(ANNA, is_ca=True).signer().sign(act())


def with_an_expired_certificate(authority: Authority, _: Issued) -> str:
    return authority.issue(ANNA, valid_from=datetime.now(UTC) - 3 * DAY).signer().sign(act())


def with_a_certificate_of_tomorrow(authority: Authority, _: Issued) -> str:
    return authority.issue(ANNA, valid_from=datetime.now(UTC) + DAY).signer().sign(act())


def in_anothers_name(authority: Authority, anna: Issued) -> str:
    return anna.signer().sign(act(issuer="console@main"))


def with_another_payload(_: Authority, anna: Issued) -> str:
    one, other = (anna.signer().sign(act()).split(".") for _ in range(2))
    return ".".join([one[0], other[1], one[2]])


def a_command_of_the_analyzers(authority: Authority, _: Issued) -> str:
    return authority.issue("analyzer@0").signer().sign(command())


def a_command_that_calls_itself_an_act(authority: Authority, anna: Issued) -> str:
    return with_header(a_command_of_the_analyzers(authority, anna), typ="vedette-act")


def a_command_of_an_operators(_: Authority, anna: Issued) -> str:
    return anna.signer().sign(command(issuer=ANNA))


def an_act_that_calls_itself_a_command(_: Authority, anna: Issued) -> str:
    return with_header(anna.signer().sign(act()), typ="vedette-command")


ATTACKS: list[Attack] = [
    unsigned,
    algorithm_none,
    symmetric_with_the_public_key,
    another_deployment,
    another_deployment_with_our_certificate,
    below_a_leaf,
    by_a_ca_below_ours,
    with_an_expired_certificate,
    with_a_certificate_of_tomorrow,
    in_anothers_name,
    with_another_payload,
    a_command_of_the_analyzers,
    a_command_that_calls_itself_an_act,
    a_command_of_an_operators,
    an_act_that_calls_itself_a_command,
    *map(
        by, ("analyzer@0", "console@health", "sensor@host-7", "enforcer@host-7", "nobody", "operator@anna\n")
    ),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_nobody_else_acts(authority: Authority, anna: Issued, verifier: ActVerifier, attack: Attack) -> None:
    assert refused(verifier, attack(authority, anna)).act is None


@pytest.mark.parametrize(
    ("times", "says"),
    [
        ((-120, -60), "expired"),
        ((60, 120), "future"),
        ((0, 3600), "lives longer"),
    ],
)
def test_an_act_out_of_its_time_is_refused_and_its_author_can_be_told(
    anna: Issued, verifier: ActVerifier, times: tuple[int, int], says: str
) -> None:
    now = datetime.now(UTC)
    late = act(
        **dict(zip(("issued_at", "expires_at"), (now + timedelta(seconds=s) for s in times), strict=True))
    )
    error = refused(verifier, anna.signer().sign(late))
    assert says in error.reason
    assert error.act == late


def test_an_act_is_no_command(authority: Authority, anna: Issued) -> None:
    enforcer = Verifier(authority.path, Principal.parse("enforcer@host-7"))
    analyzer = authority.issue("analyzer@0").signer()
    tokens = [
        anna.signer().sign(act()),
        with_header(anna.signer().sign(act()), typ="vedette-command"),
        anna.signer().sign(command(issuer=ANNA, order=Undo(command_id=uuid4()))),
        analyzer.sign(act(issuer="analyzer@0")),
        with_header(analyzer.sign(act(issuer="analyzer@0")), typ="vedette-command"),
    ]
    for token in tokens:
        with pytest.raises(CommandRefusedError):
            enforcer.verify(token, datetime.now(UTC))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_changed_character_lets_another_act_through(
    data: st.DataObject, anna: Issued, verifier: ActVerifier
) -> None:
    wanted = act()
    token = anna.signer().sign(wanted)
    at = data.draw(st.integers(0, len(token) - 1))
    changed = token[:at] + data.draw(st.characters(codec="ascii")) + token[at + 1 :]
    try:
        assert verifier.verify(changed, datetime.now(UTC)) == wanted  # base64 has spare bits at its end
    except ActRefusedError:
        assert changed != token


@given(st.text(max_size=300))
def test_no_text_upsets_it(verifier: ActVerifier, text: str) -> None:
    assert refused(verifier, text).act is None


def test_a_missing_ca_is_said(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="can't be read"):
        ActVerifier(tmp_path / "none.pem")
