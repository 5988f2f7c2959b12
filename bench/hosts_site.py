"""A server with TLS, for as many hosts as there are to be: CA, broker, analyzer, and identities for all."""

import shutil
import sys
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from vedette_console.ca.certificates import Authority
from vedette_console.deployment import free_port, toml
from vedette_schemas import ANALYZER, BROKER, Principal, access

from bench.ingest import Watched, started

PROGRAM = "/opt/vedette-bench-program"
HEADER = "type,value,action,severity,expires,source,attack,comment\n"
LIMITS = {"connections": 20_000, "connections_per_second": 10_000}
"""All hosts come from one address here: the embedded broker would hold them off."""
_MOSQUITTO = Path(__file__).parent.parent / "deploy" / "mosquitto-tls.conf"


class Site(NamedTuple):
    """What is measured, and where."""

    folder: Path
    port: int
    broker: Watched
    analyzer: Watched


class Identities:
    """A CA, and the folders of whom it certifies."""

    def __init__(self, folder: Path) -> None:
        """Make the CA; nobody has a certificate yet."""
        self._folder, self._authority = folder, Authority.new(datetime.now(UTC))

    def issue(self, principal: Principal, name: str) -> Path:
        """Return the folder `name` with an identity of that principal."""
        key, folder = Ed25519PrivateKey.generate(), self._folder / name
        now = datetime.now(UTC)
        certificate = self._authority.certify(principal, key.public_key(), now, ("localhost", "127.0.0.1"))
        folder.mkdir(parents=True, mode=0o700)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "key.pem").touch(mode=0o600)
        (folder / "key.pem").write_bytes(private)
        (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        (folder / "ca.pem").write_bytes(self._authority.public())
        return folder

    def revocations(self) -> bytes:
        """Return the list of revocations: nobody is on it."""
        return self._authority.revocations((), datetime.now(UTC))


@contextmanager
def site(
    kind: str, principals: Iterable[tuple[Principal, str]], limits: Mapping[str, int] = LIMITS
) -> Generator[Site]:
    """Run it until the block ends; `principals` get identities in folders of these names."""
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder, port = Path(name), free_port()
        identities = Identities(folder)
        for principal, where in principals:
            identities.issue(principal, where)
        identities.issue(ANALYZER, "analyzer")
        own = identities.issue(BROKER, "broker")
        (own / "crl.pem").write_bytes(identities.revocations())
        broker = started(stack, *_broker(kind, own, port, limits), log=folder / "broker.log")
        (folder / "list.csv").write_text(f"{HEADER}path,{PROGRAM},terminate,high,,,,\n")
        settings = folder / "analyzer.toml"
        told = {"lists": ["list.csv"], "identity": "analyzer", "archive": "archive.db"}
        settings.write_text(toml({**told, "broker": {"port": port}}))
        command = (sys.executable, "-m", "vedette_analyzer", "--settings", str(settings))
        analyzer = started(stack, *command, log=folder / "analyzer.log")
        time.sleep(1.0)  # a probe that comes too early tries again
        yield Site(folder, port, broker, analyzer)


def _broker(kind: str, own: Path, port: int, limits: Mapping[str, int]) -> tuple[str, ...]:
    """Write a broker's settings, as they ship but for its limits; return its command line."""
    if kind == "embedded":
        settings = own / "broker.toml"
        told = {"identity": str(own), "crl": str(own / "crl.pem")}
        settings.write_text(toml({**told, **limits, "listen": {"port": port}}))
        return sys.executable, "-m", "vedette_broker", "--settings", str(settings)
    settings = own / "mosquitto.conf"
    shipped = _MOSQUITTO.read_text()
    for folder in ("/var/lib/vedette/identity/broker", "/var/lib/vedette/public"):
        shipped = shipped.replace(folder, str(own))
    settings.write_text("user root\n" + shipped.replace("listener 8883", f"listener {port} 127.0.0.1"))
    (own / "mosquitto.acl").write_text(access.mosquitto_acl(()))
    return shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", str(settings)
