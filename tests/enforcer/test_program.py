"""The program `vedette-enforcer` with a real broker: signed commands in, acts, outcomes and facts out."""

import json
import subprocess
import sys
import time
from queue import Empty, SimpleQueue
from uuid import UUID

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from vedette_schemas import Isolate, Order, Outcome, OutcomeStatus, Undo, decode_report, decode_status, topics

from ..authority import make_ca
from .acting import address, host
from .inside import OTHERS, SERVER, World, until
from .orders import ANALYZER, ENFORCER, command

pytestmark = [pytest.mark.root, pytest.mark.system]
PORT = 1_883
ONE, TWO, _, _ = OTHERS


class Product:
    """A broker on the server's side, an enforcer on the host, and us in the analyzer's place."""

    def __init__(self, world: World, settings: str = "") -> None:
        self.world = world
        self._authority = make_ca(world.folder)
        self._analyzer = self._authority.issue(ANALYZER).signer()
        self.outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self.facts: dict[str, str] = {}
        (world.folder / "mosquitto.conf").write_text(
            f"listener {PORT} {SERVER}\nallow_anonymous true\nuser root\n"
        )
        world.start("mosquitto", "-c", "mosquitto.conf", prefix=world.server.prefix, log="mosquitto.log")
        (world.folder / "enforcer.toml").write_text(
            f'host = "{ENFORCER.host}"\nca = "ca.pem"\nsocket = "s"\nspool = "spool.db"\n{settings}'
            f'[broker]\nhost = "{SERVER}"\nport = {PORT}\nplain = true\n'
        )
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._heard
        until(self._connected, "the broker is there")
        self._client.subscribe([("vedette/v1/up/#", 1), ("vedette/v1/status/#", 1)])
        self._client.loop_start()
        self.start()

    def start(self) -> None:
        self.facts.clear()
        options = ["-m", "vedette_enforcer", "--settings", "enforcer.toml"]
        self.enforcer = self.world.start(sys.executable, *options, log="enforcer.log")
        until(lambda: bool(self.facts), "the enforcer is there", 20)

    def order(self, order: Order, id_: UUID | None = None) -> Outcome:
        sent = command(order=order) if id_ is None else command(order=order, id=id_)
        self._client.publish(topics.command(ENFORCER), self._analyzer.sign(sent), 1)
        while True:
            outcome = self.outcomes.get(timeout=20)
            if outcome.command_id == sent.id:
                return outcome

    def release(self, done: Outcome) -> None:
        """Release it at the host's own console."""
        command = [sys.executable, "-m", "vedette_enforcer", "release", str(done.command_id)]
        options = ["--settings", "enforcer.toml"]
        subprocess.run([*command, *options], cwd=self.world.folder, check=True, capture_output=True)

    def released(self, done: Outcome) -> Outcome:
        """Wait until that is told; nobody acks what was told before, which comes again and again."""
        while True:
            outcome = self.outcomes.get(timeout=20)
            if (outcome.command_id, outcome.status) == (done.command_id, OutcomeStatus.RELEASED):
                return outcome

    def _connected(self) -> bool:
        try:
            self._client.connect(SERVER, PORT)
        except OSError:
            return False
        return True

    def _heard(self, _client: object, _userdata: object, message: mqtt.MQTTMessage) -> None:
        if topics.is_report(message.topic):
            for item in decode_report(message.topic, message.payload).items:
                if isinstance(item, Outcome):
                    self.outcomes.put(item)
        else:
            self.facts = dict(decode_status(message.topic, message.payload).facts)


def test_blocked_answered_told_and_undone(world: World) -> None:
    product = Product(world)
    assert product.facts["block"] == "on"
    assert product.facts["isolate"] == "on"
    assert product.facts["in_force"] == "nothing"
    blocked = product.order(address(ONE))
    assert blocked.status is OutcomeStatus.DONE, blocked.reason
    assert not world.reaches(ONE)
    until(lambda: product.facts["in_force"] == "1 block", "the heartbeat tells it")
    assert blocked.command_id is not None
    undone = product.order(Undo(command_id=blocked.command_id))
    assert undone.reason.startswith(f"the block of {ONE} is undone; it would have ended at 20"), undone
    assert world.reaches(ONE)


def test_what_is_released_at_the_host_is_told_whether_the_enforcer_runs_or_not(world: World) -> None:
    product = Product(world)
    first, second = product.order(address(ONE)), product.order(address(TWO))
    product.release(first)
    told = product.released(first)
    assert told.reason.startswith(f"the block of {ONE} was released at the host's own console at 20")
    assert world.reaches(ONE)
    product.enforcer.kill()
    product.enforcer.wait()
    product.release(second)
    assert world.reaches(TWO)
    product.start()
    product.released(second)
    assert product.facts["in_force"] == "nothing"


def test_a_host_that_wants_an_operator_says_so_and_refuses(world: World) -> None:
    product = Product(world, 'mode = "approve"\n')
    assert product.facts["mode"] == "approve"
    refused = product.order(address(ONE))
    assert refused.status is OutcomeStatus.REFUSED
    assert refused.reason.endswith("only with an operator's approval: no operator has signed for it")
    assert world.reaches(ONE)


def test_it_ends_to_the_second_by_itself(world: World) -> None:
    product = Product(world)
    product.order(host("evil.example", ttl=2))
    assert not world.reaches("evil.example")
    time.sleep(1.5)
    assert not world.reaches("evil.example")
    time.sleep(0.8)
    assert world.reaches("evil.example")


def test_a_name_with_its_addresses_is_not_reached_by_the_address_either(world: World) -> None:
    product = Product(world)
    blocked = product.order(host("evil.example", addresses=True))
    until(lambda: not world.reaches(ONE), "its address is blocked as well")
    assert world.reaches(TWO)
    assert blocked.command_id is not None
    product.order(Undo(command_id=blocked.command_id))
    assert world.reaches(ONE)


def test_what_is_undone_before_it_comes_is_refused(world: World) -> None:
    product = Product(world)
    late = command().id
    undone = product.order(Undo(command_id=late))
    assert (undone.status, undone.reason) == (
        OutcomeStatus.DONE,
        "nothing of that command is in force; it is refused if it comes",
    )
    refused = product.order(address(ONE), late)
    assert (refused.status, refused.reason) == (
        OutcomeStatus.REFUSED,
        "not done: it was undone before it came",
    )
    assert world.reaches(ONE)


def test_isolated_it_still_hears_and_a_kill_and_a_lost_rule_set_change_nothing(world: World) -> None:
    product = Product(world)
    isolated = product.order(Isolate(ttl_seconds=600))
    assert isolated.status is OutcomeStatus.DONE, isolated.reason
    assert not world.reaches(ONE)
    world.flush()
    until(lambda: not world.reaches(ONE), "isolated again")
    until(lambda: "1 times" in product.facts.get("put right", ""), "the heartbeat tells it")
    product.enforcer.kill()
    product.enforcer.wait()
    world.flush()  # as a reboot does
    product.start()
    until(lambda: not world.reaches(ONE), "isolated after a reboot")
    assert product.facts["in_force"].startswith("isolated until ")
    assert isolated.command_id is not None
    product.order(Undo(command_id=isolated.command_id))
    assert world.reaches(ONE)


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (address(SERVER), "not blocked: it is the broker"),
        (address("10.77.0.0/16"), f"not blocked: {SERVER} in it is the broker"),
        (address("127.0.0.1"), "not blocked: it is this host itself"),
        (host("co.uk"), "not blocked: it is no single owner's: anyone can register names below it"),
    ],
)
def test_what_is_never_touched_is_refused(world: World, order: Order, why: str) -> None:
    outcome = Product(world).order(order)
    assert (outcome.status, outcome.reason) == (OutcomeStatus.REFUSED, why)
    assert world.table() == ""


def test_the_operators_own_list_and_a_broken_one(world: World) -> None:
    product = Product(world)
    path = world.folder / "never_touch.toml"
    path.write_text(json.dumps(["evil.example"]).join(("hosts = ", "\n")))
    assert product.order(host("evil.example")).reason == "not blocked: never_touch.toml names evil.example"
    path.write_text("hosts = 7\n")
    refused = product.order(host("evil.example"))
    assert refused.status is OutcomeStatus.REFUSED
    assert "never_touch.toml" in refused.reason
    path.unlink()
    assert product.order(host("evil.example")).status is OutcomeStatus.DONE


def test_nothing_comes_twice(world: World) -> None:
    product = Product(world)
    blocked = product.order(address(ONE))
    again = product.order(address(ONE), blocked.command_id)
    assert (again.repeated, again.reason) == (True, blocked.reason)
    with pytest.raises(Empty):
        product.outcomes.get(timeout=0.5)
