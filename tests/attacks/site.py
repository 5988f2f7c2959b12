"""A broker with TLS, an analyzer, and a victim whose messages are to go on arriving."""

import itertools
import ssl
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from vedette_schemas import Kind, Principal, topics

from tests import brokers
from tests.authority import Authority, Issued, make_ca

VICTIM = Principal.parse("enforcer@host-9")
ANALYZER = Principal.parse("analyzer@0")
_READ_BY_ANALYZER = (topics.EVERY_REPORT, topics.EVERY_STATUS, topics.EVERY_ACT)


class Site:
    """Who is attacked."""

    def __init__(self, running: brokers.RunningBroker, authority: Authority, folder: Path) -> None:
        self.running, self.authority, self.folder = running, authority, folder
        self.address = running.address
        self._issued: dict[str, Issued] = {}
        self._numbers = itertools.count()
        self._stack = ExitStack()
        self.analyzer = self.join(str(ANALYZER), *_READ_BY_ANALYZER)
        self.victim = self.join(str(VICTIM), topics.command(VICTIM), topics.ack(VICTIM))

    def identity(self, name: str) -> Issued:
        if name not in self._issued:
            self._issued[name] = self.authority.issue(name)
        return self._issued[name]

    def tls(self, name: str | None) -> ssl.SSLContext:
        return brokers.client_context(self.authority, self.identity(name) if name else None)

    def join(self, name: str, *subscriptions: str) -> brokers.Client:
        """Connect as someone who may."""
        client = brokers.Client(self.address, *subscriptions, client_id=name, tls=self.tls(name))
        self._stack.callback(client.close)
        return client

    def nothing_has_happened(self, but: str = "") -> bool:
        """Tell that the analyzer and its victim hear each other, and have heard nobody else since.

        What came under the topic `but`, the attacker's own, is passed over.
        """
        payload = b"%d" % next(self._numbers)
        self.analyzer.publish(topics.command(VICTIM), payload)
        self.victim.publish(topics.report(VICTIM, Kind.OUTCOME), payload)
        assert self.victim.next() == (topics.command(VICTIM), payload)
        while (heard := self.analyzer.next())[0] == but:
            pass
        assert heard == (topics.report(VICTIM, Kind.OUTCOME), payload)
        assert self.running.process.poll() is None
        return True

    def log(self) -> str:
        return (self.folder / f"{self.running.kind}.log").read_text()

    def memory(self) -> int:
        """Return the broker's RSS in MiB."""
        status = Path(f"/proc/{self.running.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) // 1024

    def close(self) -> None:
        self._stack.close()


@contextmanager
def site(
    kind: str,
    folder: Path,
    *,
    authority: Authority | None = None,
    revoked: tuple[Issued, ...] = (),
    more: str = "",
) -> Generator[Site]:
    authority = authority or make_ca(folder / "ca")
    operators = ("operator@anna", "operator@ben")
    with brokers.tls_broker(
        kind, folder / "broker", authority, revoked=revoked, operators=operators, more=more
    ) as running:
        place = Site(running, authority, folder / "broker")
        try:
            yield place
        finally:
            place.close()
