"""Which payloads are carried out: one that is signed by who may, for us, now, once; and nothing else."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vedette_enforcer.core import Gate, Task
from vedette_enforcer.known import Known
from vedette_schemas import Outcome, OutcomeStatus, Process, Terminate
from vedette_transport.signing import Verifier

from ..authority import DAY, Authority, Issued, make_ca
from ..tokens import decoded, encoded, header_of, with_header
from .orders import ANALYZER, ENFORCER, NOBODY_RUNS, command


@pytest.fixture
def gate(authority: Authority) -> Gate:
    return Gate(Verifier(authority.path, ENFORCER))


def take(gate: Gate, payload: str | bytes, at: datetime | None = None) -> Task | Outcome | None:
    raw = payload.encode() if isinstance(payload, str) else payload
    return gate.take(raw, at or datetime.now(UTC))


def refusal(gate: Gate, payload: str | bytes, at: datetime | None = None) -> Outcome:
    outcome = take(gate, payload, at)
    assert isinstance(outcome, Outcome)
    assert outcome.status is OutcomeStatus.REFUSED
    return outcome


def test_a_good_command_is_carried_out(gate: Gate, analyzer: Issued) -> None:
    order = command()
    token = analyzer.signer().sign(order)
    now = datetime.now(UTC)
    assert gate.take(bytearray(token.encode()), now) == Task(order, token, now)


def test_its_outcome_tells_of_it(gate: Gate, analyzer: Issued) -> None:
    order = command()
    token = analyzer.signer().sign(order)
    task = take(gate, token)
    assert isinstance(task, Task)
    later = task.taken_at + timedelta(seconds=1)
    outcome = task.outcome(OutcomeStatus.DONE, "ended 1 process", later, (NOBODY_RUNS,))
    assert (outcome.command_id, outcome.command, outcome.action) == (order.id, token, "terminate")
    assert (outcome.taken_at, outcome.seen_at, outcome.ended) == (task.taken_at, later, (NOBODY_RUNS,))


# Attacks whose signature does not hold: the outcome names no command


Attack = Callable[[Authority, Issued], str | bytes]


def unsigned(_: Authority, analyzer: Issued) -> str:
    return analyzer.signer().sign(command()).rpartition(".")[0] + "."


def algorithm_none(_: Authority, analyzer: Issued) -> str:
    return with_header(unsigned(_, analyzer), alg="none")


def symmetric_with_the_public_key(_: Authority, analyzer: Issued) -> str:
    certificate = load_pem_x509_certificate(analyzer.certificate.read_bytes())
    key = certificate.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signed = with_header(analyzer.signer().sign(command()), alg="HS256").rpartition(".")[0]
    return f"{signed}.{encoded(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def another_deployment(authority: Authority, _: Issued) -> str:
    return make_ca(authority.folder / str(uuid4())).issue(ANALYZER).signer().sign(command())


def another_deployment_that_calls_itself_ours(authority: Authority, analyzer: Issued) -> str:
    token = another_deployment(authority, analyzer)
    ours = header_of(analyzer.signer().sign(command()))["x5c"]
    return with_header(token, x5c=ours)


def signed_by_the_ca_itself(authority: Authority, analyzer: Issued) -> str:
    certificate = authority.certificate.public_bytes(Encoding.DER)
    header = header_of(analyzer.signer().sign(command())) | {"x5c": [base64.b64encode(certificate).decode()]}
    signed = f"{encoded(json.dumps(header).encode())}.{encoded(command().model_dump_json().encode())}"
    return f"{signed}.{encoded(authority.key.sign(signed.encode(), ec.ECDSA(SHA256())))}"


def signed_below_a_leaf(authority: Authority, analyzer: Issued) -> str:
    middle = Authority(
        authority.folder / str(uuid4()),
        ec.generate_private_key(ec.SECP256R1()),
        load_pem_x509_certificate(analyzer.certificate.read_bytes()),
    )
    middle.folder.mkdir()
    return middle.issue(ANALYZER).signer().sign(command())


def by(name: str) -> Attack:
    def attack(authority: Authority, _: Issued) -> str:
        return authority.issue(name).signer().sign(command(issuer=name if "@" in name else ANALYZER))

    return attack


def signed_by_a_ca_below_ours(authority: Authority, _: Issued) -> str:
    return authority.issue(ANALYZER, is_ca=True).signer().sign(command())


def signer_expired(authority: Authority, _: Issued) -> str:
    old = authority.issue(ANALYZER, valid_from=datetime.now(UTC) - 2 * DAY, valid_for=DAY)
    return old.signer().sign(command())


def signer_not_yet_valid(authority: Authority, _: Issued) -> str:
    return authority.issue(ANALYZER, valid_from=datetime.now(UTC) + DAY).signer().sign(command())


def issuer_is_not_signer(authority: Authority, _: Issued) -> str:
    return authority.issue("analyzer@1").signer().sign(command(issuer=ANALYZER))


def altered(_: Authority, analyzer: Issued) -> str:
    head, body, signature = analyzer.signer().sign(command()).split(".")
    return f"{head}.{encoded(decoded(body).replace(b'2147483647', b'1'))}.{signature}"


def another_type(_: Authority, analyzer: Issued) -> str:
    return with_header(analyzer.signer().sign(command()), typ="vedette-act")


def a_key_in_the_header(_: Authority, analyzer: Issued) -> str:
    return with_header(analyzer.signer().sign(command()), jwk={"kty": "OKP", "crv": "Ed25519", "x": "AA"})


def no_certificate(_: Authority, analyzer: Issued) -> str:
    return with_header(analyzer.signer().sign(command()), x5c=None)


def two_certificates(_: Authority, analyzer: Issued) -> str:
    token = analyzer.signer().sign(command())
    return with_header(token, x5c=header_of(token)["x5c"] * 2)


def bare(_: Authority, analyzer: Issued) -> bytes:
    return command().model_dump_json().encode()


def signed_but_no_command(_: Authority, analyzer: Issued) -> str:
    token = analyzer.signer().sign(command())
    signed = f"{token.partition('.')[0]}.{encoded(b'{}')}"
    key = load_pem_private_key(analyzer.key.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return f"{signed}.{encoded(key.sign(signed.encode()))}"


def bytes_of(payload: bytes) -> Attack:
    return lambda _authority, _analyzer: payload


UNSIGNED: list[tuple[Attack, str]] = [
    (unsigned, "its signature does not hold"),
    (algorithm_none, "not signed as a command is"),
    (symmetric_with_the_public_key, "not signed as a command is"),
    (another_deployment, "certificate is not of this deployment"),
    (another_deployment_that_calls_itself_ours, "its signature does not hold"),
    (signed_by_the_ca_itself, "certificate names no principal"),
    (signed_below_a_leaf, "certificate is not of this deployment"),
    (by("sensor@host-7"), "its signer may not command"),
    (by("enforcer@host-7"), "its signer may not command"),
    (by("console@main"), "its signer may not command"),
    (by("operator@anna"), "its signer may not command"),
    (by("anna"), "certificate names no principal"),
    (signed_by_a_ca_below_ours, "its signer may not command"),
    (signer_expired, "certificate is not valid at this time"),
    (signer_not_yet_valid, "certificate is not valid at this time"),
    (issuer_is_not_signer, "its issuer is not its signer"),
    (altered, "its signature does not hold"),
    (another_type, "not signed as a command is"),
    (a_key_in_the_header, "not signed as a command is"),
    (no_certificate, "not signed as a command is"),
    (two_certificates, "not signed as a command is"),
    (bare, "not signed as a command is"),
    (signed_but_no_command, "it can't be read"),
    (bytes_of(b""), "not signed as a command is"),
    (bytes_of(b"." * 1_000_000), "not signed as a command is"),
    (bytes_of(b"\xff\x00" * 500_000), "not signed as a command is"),
]


@pytest.mark.parametrize(("attack", "reason"), UNSIGNED)
def test_what_is_not_validly_signed_is_refused_and_names_no_command(
    attack: Attack, reason: str, gate: Gate, authority: Authority, analyzer: Issued
) -> None:
    outcome = refusal(gate, attack(authority, analyzer))
    assert reason in outcome.reason
    assert (outcome.command_id, outcome.command, outcome.action) == (None, None, "unknown")


# Attacks with what was validly signed: the outcome names the command


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"audience": "enforcer@host-8"}, "refused: it is addressed to another host"),
        ({"audience": "sensor@host-7"}, "refused: it is addressed to another host"),
        ({"issued_at": -120, "expires_at": -60}, "refused: it has expired"),
        ({"issued_at": 60, "expires_at": 120}, "refused: it was issued in the future by this host's clock"),
        ({"issued_at": 0, "expires_at": 2 * 86_400}, "refused: it lives longer than any command may"),
    ],
)
def test_what_is_signed_but_not_for_us_and_now_is_refused_by_name(
    changed: dict[str, str | int], reason: str, gate: Gate, analyzer: Issued
) -> None:
    now = datetime.now(UTC)
    fields = {
        name: now + timedelta(seconds=value) if isinstance(value, int) else value
        for name, value in changed.items()
    }
    order = command(**fields)
    token = analyzer.signer().sign(order)
    outcome = refusal(gate, token)
    assert (outcome.reason, outcome.command_id, outcome.command) == (reason, order.id, token)


def settle(gate: Gate, task: Task | Outcome | None, *ended: Process) -> Outcome:
    assert isinstance(task, Task)
    outcome = task.outcome(OutcomeStatus.DONE, "ended it", task.taken_at + timedelta(seconds=1), ended)
    gate.settled(outcome)
    return outcome


def test_a_repeated_command_is_answered_with_the_outcome_that_it_had(gate: Gate, analyzer: Issued) -> None:
    order = command()
    token = analyzer.signer().sign(order)
    outcome = settle(gate, take(gate, token), NOBODY_RUNS)
    assert take(gate, token) == outcome.model_copy(update={"repeated": True})
    renewed = analyzer.signer().sign(
        order.model_copy(update={"expires_at": order.expires_at + timedelta(seconds=60)})
    )
    assert take(gate, renewed) == outcome.model_copy(update={"repeated": True, "command": renewed})


def test_nothing_is_said_of_a_repeated_command_that_is_being_carried_out(
    gate: Gate, analyzer: Issued
) -> None:
    token = analyzer.signer().sign(command())
    task = take(gate, token)
    assert take(gate, token) is None
    settle(gate, task)
    assert take(gate, token) is not None


def test_the_lists_of_what_was_ended_are_bounded(gate: Gate, analyzer: Issued) -> None:
    tokens = [analyzer.signer().sign(command()) for _ in range(257)]
    for token in tokens:
        settle(gate, take(gate, token), NOBODY_RUNS)
    first, last = take(gate, tokens[0]), take(gate, tokens[-1])
    assert isinstance(first, Outcome)
    assert isinstance(last, Outcome)
    assert (first.ended, first.reason) == ((), "ended it (which ones is no longer recorded)")
    assert last.ended == (NOBODY_RUNS,)


def test_a_known_id_with_another_order_is_told_apart(gate: Gate, analyzer: Issued) -> None:
    order = command()
    other = command(id=order.id, order=Terminate(process=NOBODY_RUNS, uid=0))
    assert isinstance(take(gate, analyzer.signer().sign(order)), Task)
    for _ in range(2):
        outcome = refusal(gate, analyzer.signer().sign(other))
        assert outcome.reason == "refused: its id came before with another order"
        assert not outcome.repeated


def test_a_clock_that_is_set_back_revives_no_command(gate: Gate, analyzer: Issued) -> None:
    token = analyzer.signer().sign(command())
    now = datetime.now(UTC)
    assert isinstance(take(gate, token, now), Task)
    assert refusal(gate, token, now + timedelta(hours=1)).reason == "refused: it has expired"
    assert take(gate, token, now) is None


def test_what_is_remembered_is_bounded_and_those_that_expire_first_go_first(
    authority: Authority, analyzer: Issued
) -> None:
    gate = Gate(Verifier(authority.path, ENFORCER), Known(most=3))
    now = datetime.now(UTC)
    tokens = [
        analyzer.signer().sign(command(expires_at=now + timedelta(seconds=seconds)))
        for seconds in (60, 30, 90, 120)
    ]
    assert all(isinstance(take(gate, token), Task) for token in tokens)
    repeated = [not isinstance(take(gate, token), Task) for token in tokens]
    assert repeated == [True, False, True, True]


# Floods


def test_garbage_makes_ten_outcomes_a_minute_and_the_rest_are_counted(gate: Gate) -> None:
    start = datetime.now(UTC)
    told = [take(gate, b"garbage", start + timedelta(milliseconds=n)) for n in range(1_000)]
    assert [outcome is not None for outcome in told] == [True] * 10 + [False] * 990
    later = refusal(gate, b"garbage", start + timedelta(minutes=1))
    assert later.reason.endswith("(990 more were refused since the last that was told)")
    assert "more" not in refusal(gate, b"garbage", start + timedelta(minutes=1)).reason


def test_garbage_uses_up_nothing_that_good_or_signed_commands_need(gate: Gate, analyzer: Issued) -> None:
    for _ in range(1_000):
        take(gate, b"garbage")
    assert isinstance(take(gate, analyzer.signer().sign(command())), Task)
    assert refusal(gate, analyzer.signer().sign(command(audience="enforcer@host-8"))).command is not None


def test_old_commands_recorded_and_sent_again_make_no_flood_either(gate: Gate, analyzer: Issued) -> None:
    token = analyzer.signer().sign(command())
    now = datetime.now(UTC)
    settle(gate, take(gate, token, now))
    told = [take(gate, token, now) for _ in range(1_000)]
    assert sum(outcome is not None for outcome in told) == 60
    foreign = analyzer.signer().sign(command(audience="enforcer@host-8"))
    told = [take(gate, foreign, now) for _ in range(1_000)]
    assert sum(outcome is not None for outcome in told) == 10


def test_a_clock_that_is_set_back_does_not_silence_refusals(gate: Gate) -> None:
    now = datetime.now(UTC)
    assert any(take(gate, b"garbage", now) is None for _ in range(11))
    refusal(gate, b"garbage", now - timedelta(days=1))


# Laws: 10,000 payloads

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@settings(QUIET, max_examples=4_000)
@given(payload=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_payload_whatever_is_carried_out_or_raises(payload: bytes, gate: Gate) -> None:
    assert not isinstance(take(gate, payload), Task)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(QUIET, max_examples=2_000)
@given(
    header=st.fixed_dictionaries(
        {},
        optional={
            "alg": st.sampled_from(["EdDSA", "none", "HS256", "ES256"]) | _JSON,
            "typ": st.just("vedette-command") | _JSON,
            "x5c": st.lists(st.binary(max_size=99).map(lambda der: base64.b64encode(der).decode())) | _JSON,
            "b64": _JSON,
            "crit": _JSON,
        },
    ),
    body=_JSON,
    signature=st.binary(max_size=64),
)
def test_nothing_of_the_right_shape_is_carried_out_or_raises(
    header: dict[str, object], body: object, signature: bytes, gate: Gate
) -> None:
    parts = json.dumps(header).encode(), json.dumps(body).encode(), signature
    assert not isinstance(take(gate, ".".join(map(encoded, parts))), Task)


@settings(QUIET, max_examples=2_000)
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.booleans())
def test_no_mutation_of_a_good_command_is_carried_out_or_raises(
    place: int, byte: int, cut: bool, gate: Gate, token: bytes
) -> None:
    place %= len(token)
    mutated = token[:place] if cut else token[:place] + bytes([byte]) + token[place + 1 :]
    taken = take(gate, mutated)
    assert not isinstance(taken, Task) or mutated == token


@settings(QUIET, max_examples=2_000)
@given(place=st.integers(0, 10_000), bits=st.integers(1, 255))
def test_no_mutation_of_the_signers_certificate_is_carried_out_or_raises(
    place: int, bits: int, gate: Gate, token: bytes
) -> None:
    good = token.decode()
    certificate = bytearray(base64.b64decode(header_of(good)["x5c"][0]))
    certificate[place % len(certificate)] ^= bits
    assert not isinstance(take(gate, with_header(good, x5c=[base64.b64encode(certificate).decode()])), Task)


@pytest.fixture(scope="module")
def token(analyzer: Issued) -> bytes:
    return analyzer.signer().sign(command(id=UUID(int=7))).encode()


def test_the_authority_writes_keys_for_its_owner_only(authority: Authority, analyzer: Issued) -> None:
    assert {path.stat().st_mode & 0o777 for path in Path(authority.folder).glob("*.key")} == {0o600}
