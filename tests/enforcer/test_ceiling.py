"""A host's own ceiling: who has stolen the analyzer's key gains nothing on a host that wants an operator."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vedette_enforcer.ceiling import Ceiling
from vedette_enforcer.core import Gate, Task
from vedette_schemas import (
    MAX_ACT,
    MAX_PATH,
    MAX_TOKEN,
    Act,
    Approve,
    Block,
    BlockedPage,
    Command,
    Direct,
    Isolate,
    Mode,
    Order,
    Outcome,
    OutcomeStatus,
    SelfTest,
    TakeBack,
    Terminate,
    Undo,
    digest,
    ordered_id,
)
from vedette_transport.signing import ActVerifier, Verifier

from ..authority import DAY, Authority, make_ca
from .acting import address, host
from .orders import ANALYZER, ENFORCER, NOBODY_RUNS, command, notify

ANNA = "operator@anna"
SOON = timedelta(seconds=60)
HOUR = timedelta(hours=1)
BLOCK = host("evil.example")
END = Terminate(process=NOBODY_RUNS)
ORDERS: list[Order] = [BLOCK, address("192.0.2.7"), Isolate(ttl_seconds=60), END]


class Site:
    """A CA, a host whose ceiling is to approve, and a thief of the analyzer's key."""

    def __init__(self, folder: Path) -> None:
        self.authority: Authority = make_ca(folder / "ca")
        self.acts = ActVerifier(self.authority.path)
        self.thief = self.authority.issue(ANALYZER).signer()
        self.anna = self.authority.issue(ANNA).signer()
        self.gate = self.host(Mode.APPROVE)

    def host(self, mode: Mode) -> Gate:
        return Gate(Verifier(self.authority.path, ENFORCER), ceiling=Ceiling(mode, self.acts))

    def take(self, sent: Command, gate: Gate | None = None) -> Task | Outcome | None:
        return (gate or self.gate).take(self.thief.sign(sent).encode(), datetime.now(UTC))

    def refused(self, sent: Command, gate: Gate | None = None) -> str:
        outcome = self.take(sent, gate)
        assert isinstance(outcome, Outcome), "it is carried out"
        assert (outcome.status, outcome.command_id) == (OutcomeStatus.REFUSED, sent.id)
        return outcome.reason

    def approving(self, sent: Command, **changes: Any) -> str:
        """Return the act by which Anna approves a command, but for a detail."""
        what = Approve(command_id=sent.id, host=ENFORCER.host, order=digest(sent.order))
        return self.anna.sign(act(what=what.model_copy(update=changes)))


def act(**changes: Any) -> Act:
    now = datetime.now(UTC)
    fields: dict[str, Any] = {"id": uuid4(), "issuer": ANNA, "issued_at": now, "expires_at": now + SOON}
    return Act(**(fields | changes))


def waiting(order: Order = BLOCK, **changes: Any) -> Command:
    return command(order=order, **changes)


def with_act(sent: Command, token: str) -> Command:
    return sent.model_copy(update={"act": token})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture(autouse=True)
def _anew(site: Site) -> None:
    site.gate = site.host(Mode.APPROVE)  # each test its own ration of refusals


# What the modes allow


@pytest.mark.parametrize("order", ORDERS)
def test_enforcing_needs_no_operator(site: Site, order: Order) -> None:
    assert isinstance(site.take(waiting(order), site.host(Mode.ENFORCE)), Task)


@pytest.mark.parametrize("order", [*ORDERS, notify(1_000)])
def test_observing_nothing_is_done_whoever_signs(site: Site, order: Order) -> None:
    sent = waiting(order)
    said = site.refused(with_act(sent, site.approving(sent)), site.host(Mode.OBSERVE))
    assert said == "refused: this host's own settings allow nothing but observing and undoing"


@pytest.mark.parametrize("mode", Mode)
def test_taking_back_is_always_allowed(site: Site, mode: Mode) -> None:
    assert isinstance(site.take(waiting(Undo(command_id=uuid4())), site.host(mode)), Task)


@pytest.mark.parametrize("mode", Mode)
def test_a_test_does_nothing_and_is_always_allowed(site: Site, mode: Mode) -> None:
    assert isinstance(site.take(waiting(SelfTest()), site.host(mode)), Task)


@pytest.mark.parametrize("token", [None, "x.y.z"])
def test_a_notice_changes_nothing_and_needs_no_operator(site: Site, token: str | None) -> None:
    sent = waiting(notify(1_000)).model_copy(update={"act": token})
    assert isinstance(site.take(sent), Task)


@pytest.mark.parametrize("order", ORDERS)
def test_what_an_operator_approved_is_done(site: Site, order: Order) -> None:
    sent = waiting(order)
    assert isinstance(site.take(with_act(sent, site.approving(sent))), Task)


@pytest.mark.parametrize("order", [BLOCK, Isolate(ttl_seconds=60)])
def test_what_an_operator_ordered_by_hand_is_done(site: Site, order: Block | Isolate) -> None:
    wanted = act(what=Direct(host=ENFORCER.host, order=order))
    sent = waiting(order, id=ordered_id(wanted.id, order), act=site.anna.sign(wanted))
    assert isinstance(site.take(sent), Task)


def test_what_was_approved_may_come_again_as_long_as_it_lives(site: Site) -> None:
    long = host("evil.example", ttl=86_400)
    then = datetime.now(UTC) - 10 * HOUR
    sent = waiting(long, issued_at=then, expires_at=then + DAY)
    what = Approve(command_id=sent.id, host=ENFORCER.host, order=digest(long))
    token = site.anna.sign(act(what=what, issued_at=then, expires_at=then + SOON))
    anna_then = site.authority.issue(ANNA, valid_from=then - HOUR).signer()
    assert "certificate" in site.refused(with_act(sent, token)), "hers began later"
    token = anna_then.sign(act(what=what, issued_at=then, expires_at=then + SOON))
    assert isinstance(site.take(with_act(sent, token)), Task)
    assert site.take(with_act(sent, token)) is None, "it is under way"


def test_who_knows_no_operators_trusts_none(site: Site) -> None:
    gate = Gate(Verifier(site.authority.path, ENFORCER), ceiling=Ceiling(Mode.APPROVE))
    sent = waiting()
    assert "does not know which operators" in site.refused(with_act(sent, site.approving(sent)), gate)


# What a thief of the analyzer's key tries

Try = Callable[[Site], Command]


def without_an_act(_: Site) -> Command:
    return waiting()


def approved_for_another_command(site: Site) -> Command:
    return with_act(waiting(), site.approving(waiting()))


def approved_for_another_host(site: Site) -> Command:
    sent = waiting()
    return with_act(sent, site.approving(sent, host="host-8"))


def approved_for_another_target(site: Site) -> Command:
    sent = waiting()
    return with_act(sent, site.approving(sent, order=digest(host("other.example"))))


def approved_for_another_program(site: Site) -> Command:
    sent = waiting(END)
    other = Terminate(process=NOBODY_RUNS.model_copy(update={"pid": 7}))
    return with_act(sent, site.approving(sent, order=digest(other)))


def approved_for_less_of_a_program(site: Site) -> Command:
    sent = waiting(END)
    less = END.model_copy(update={"others": False})
    return with_act(sent, site.approving(sent, order=digest(less)))


def approved_for_a_shorter_time(site: Site) -> Command:
    sent = waiting(host("evil.example", ttl=86_400))
    return with_act(sent, site.approving(sent, order=digest(BLOCK)))


def approved_for_another_action(site: Site) -> Command:
    sent = waiting(Isolate(ttl_seconds=60))
    return with_act(sent, site.approving(sent, order=digest(BLOCK)))


def approved_long_ago(site: Site) -> Command:
    sent, then = waiting(), datetime.now(UTC) - HOUR
    what = Approve(command_id=sent.id, host=ENFORCER.host, order=digest(sent.order))
    return with_act(sent, site.anna.sign(act(what=what, issued_at=then, expires_at=then + SOON)))


def approved_tomorrow(site: Site) -> Command:
    sent, then = waiting(), datetime.now(UTC) + HOUR
    what = Approve(command_id=sent.id, host=ENFORCER.host, order=digest(sent.order))
    return with_act(sent, site.anna.sign(act(what=what, issued_at=then, expires_at=then + SOON)))


def approved_for_ever(site: Site) -> Command:
    sent, now = waiting(), datetime.now(UTC)
    what = Approve(command_id=sent.id, host=ENFORCER.host, order=digest(sent.order))
    return with_act(sent, site.anna.sign(act(what=what, expires_at=now + DAY)))


def a_command_that_outlives_what_was_approved(site: Site) -> Command:
    sent = waiting(expires_at=datetime.now(UTC) + HOUR)
    return with_act(sent, site.approving(sent))


def an_end_of_a_program_kept_for_later(site: Site) -> Command:
    sent = waiting(END, expires_at=datetime.now(UTC) + HOUR)
    return with_act(sent, site.approving(sent))


def an_end_of_a_program_dated_back(site: Site) -> Command:
    then = datetime.now(UTC) - HOUR
    sent = waiting(END, issued_at=then, expires_at=then + 2 * HOUR)
    what = Approve(command_id=sent.id, host=ENFORCER.host, order=digest(END))
    anna = site.authority.issue(ANNA, valid_from=then - HOUR).signer()
    return with_act(sent, anna.sign(act(what=what, issued_at=then, expires_at=then + SOON)))


def by_hand_for_another_host(site: Site) -> Command:
    wanted = act(what=Direct(host="host-8", order=BLOCK))
    return waiting(id=ordered_id(wanted.id, BLOCK), act=site.anna.sign(wanted))


def by_hand_for_another_target(site: Site) -> Command:
    wanted = act(what=Direct(host=ENFORCER.host, order=host("other.example")))
    return waiting(id=ordered_id(wanted.id, BLOCK), act=site.anna.sign(wanted))


def by_hand_for_a_shorter_time(site: Site) -> Command:
    wanted = act(what=Direct(host=ENFORCER.host, order=BLOCK))
    longer = host("evil.example", ttl=86_400)
    return waiting(longer, id=ordered_id(wanted.id, longer), act=site.anna.sign(wanted))


def by_hand_under_a_new_id(site: Site) -> Command:
    wanted = act(what=Direct(host=ENFORCER.host, order=BLOCK))
    return waiting(act=site.anna.sign(wanted))


def an_undo_by_an_operator(site: Site) -> Command:
    sent = waiting()
    return with_act(sent, site.anna.sign(act(what=TakeBack(command_id=sent.id))))


def signed_as(name: str, issuer: str | None = None) -> Try:
    def attempt(site: Site) -> Command:
        sent = waiting()
        what = Approve(command_id=sent.id, host=ENFORCER.host, order=digest(sent.order))
        return with_act(sent, site.authority.issue(name).signer().sign(act(issuer=issuer or name, what=what)))

    attempt.__name__ = f"signed_as_{name}_for_{issuer or name}"
    return attempt


def signed_in_another_deployment(site: Site) -> Command:
    other = make_ca(site.authority.folder / str(uuid4()))
    sent = waiting()
    what = Approve(command_id=sent.id, host=ENFORCER.host, order=digest(sent.order))
    return with_act(sent, other.issue(ANNA).signer().sign(act(what=what)))


def signed_with_an_expired_certificate(site: Site) -> Command:
    sent = waiting()
    what = Approve(command_id=sent.id, host=ENFORCER.host, order=digest(sent.order))
    old = site.authority.issue(ANNA, valid_from=datetime.now(UTC) - 3 * DAY).signer()
    return with_act(sent, old.sign(act(what=what)))


def with_another_payload(site: Site) -> Command:
    sent = waiting()
    header, _, signature = site.approving(waiting()).split(".")
    return with_act(sent, ".".join([header, site.approving(sent).split(".")[1], signature]))


def a_command_in_the_acts_place(site: Site) -> Command:
    return with_act(waiting(), site.thief.sign(waiting()))


def no_token_at_all(_: Site) -> Command:
    return waiting(act="x")


TRIES: list[Try] = [
    without_an_act,
    approved_for_another_command,
    approved_for_another_host,
    approved_for_another_target,
    approved_for_another_program,
    approved_for_less_of_a_program,
    approved_for_a_shorter_time,
    approved_for_another_action,
    approved_long_ago,
    approved_tomorrow,
    approved_for_ever,
    a_command_that_outlives_what_was_approved,
    an_end_of_a_program_kept_for_later,
    an_end_of_a_program_dated_back,
    by_hand_for_another_host,
    by_hand_for_another_target,
    by_hand_for_a_shorter_time,
    by_hand_under_a_new_id,
    an_undo_by_an_operator,
    signed_in_another_deployment,
    signed_with_an_expired_certificate,
    with_another_payload,
    a_command_in_the_acts_place,
    no_token_at_all,
    *map(signed_as, (ANALYZER, str(ENFORCER), "sensor@host-7")),
    signed_as(ANALYZER, ANNA),
    signed_as("operator@ben", ANNA),
]


@pytest.mark.parametrize("attempt", TRIES, ids=lambda attempt: attempt.__name__)
def test_a_thief_of_the_analyzers_key_gains_nothing(site: Site, attempt: Try) -> None:
    said = site.refused(attempt(site))
    assert said.startswith("refused: this host's own settings allow it only with an operator's approval: ")


def test_an_approval_that_was_used_is_good_for_nothing_else(site: Site) -> None:
    sent = waiting()
    token = site.approving(sent)
    assert isinstance(site.take(with_act(sent, token)), Task)
    later = datetime.now(UTC) + timedelta(seconds=4)
    again = with_act(sent.model_copy(update={"issued_at": later, "expires_at": later + SOON}), token)
    assert site.take(again) is None, "its id is known: it is under way"
    for change in ({"id": uuid4()}, {"order": host("other.example")}):
        site.refused(with_act(sent.model_copy(update=change), token))


def test_what_was_refused_may_still_be_approved(site: Site) -> None:
    sent = waiting()
    site.refused(sent)
    assert isinstance(site.take(with_act(sent, site.approving(sent))), Task)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_no_changed_character_of_an_act_lets_another_command_through(data: st.DataObject, site: Site) -> None:
    site.gate = site.host(Mode.APPROVE)
    token, other = site.approving(waiting()), waiting(host("other.example"))
    at = data.draw(st.integers(0, len(token) - 1))
    changed = token[:at] + data.draw(st.sampled_from("aZ09-_.")) + token[at + 1 :]
    site.refused(with_act(other, changed))


def test_the_longest_command_with_the_longest_act_fits_into_a_token(site: Site) -> None:
    process = NOBODY_RUNS.model_copy(update={"executable": "\x01" * MAX_PATH})
    sent = waiting(Terminate(process=process, uid=2**32 - 1), act="x" * MAX_ACT)
    assert len(site.thief.sign(sent)) < MAX_TOKEN


def test_an_act_about_the_longest_page_fits(site: Site) -> None:
    page = BlockedPage(host=".".join(["a" * 49] * 5), path="/" + "x" * 2_047)
    order = Block(target=page, ttl_seconds=60, why="w" * 300)
    wanted = act(what=Direct(host=ENFORCER.host, order=order))
    sent = waiting(order, id=ordered_id(wanted.id, order), act=site.anna.sign(wanted))
    assert isinstance(site.take(sent), Task)
