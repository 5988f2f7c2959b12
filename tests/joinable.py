"""A server that hosts elsewhere join by a token: CA, broker and analyzer, each as `vedette up` sets it up."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vedette_console.ca import enrol
from vedette_console.deployment import Deployment
from vedette_transport import BrokerAddress

from tests import brokers
from tests.e2e.product import write_list
from tests.faults.running import Program
from tests.faults.site import Server


class JoinableServer(Server):
    """It is reached at `address`. `prefix` is for its programs."""

    def __init__(self, folder: Path, address: str, *, prefix: Sequence[str] = ()) -> None:
        folder.mkdir()
        self.folder, self.archive = folder, folder / "run" / "archive.db"
        self._deployment = deployment = Deployment(
            folder=folder / "run",
            host="unused",
            broker=BrokerAddress(host=address, port=brokers.free_port()),
            lists=(write_list(folder / "list.csv", "program,prey-1-1,terminate,high,,,,"),),
            ca_port=brokers.free_port(),
            names=(address,),
        )
        deployment.prepare()
        self.ca_folder = deployment.folder / "ca"
        self.certifier, self.broker, self.analyzer = (
            Program(name, deployment.command(name), folder, prefix=prefix)
            for name in ("ca", "broker", "analyzer")
        )

    @property
    def ca(self) -> Path:
        """The CA's certificate."""
        return self._deployment.public / "ca.pem"

    def start(self) -> None:
        self.certifier.start()
        self.certifier.await_said("the CA answers")
        self.broker.start()
        self.analyzer.start()

    def stop(self) -> None:
        super().stop()
        self.certifier.stop()

    def token(self, name: str) -> str:
        return enrol(
            self.ca_folder, name, timedelta(hours=1), datetime.now(UTC), ca=None, broker=None
        ).write()
