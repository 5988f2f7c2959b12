"""Renewal: a real CA, hosts whose time has come, and who tries with what is not theirs."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from vedette_console.acting import OperatorSettings, operator
from vedette_console.ca import open_register, revoke
from vedette_console.ca.certificates import Authority
from vedette_console.ca.folder import open_ca
from vedette_schemas import Issued, Principal, Renewal, decode
from vedette_transport import BrokerAddress
from vedette_transport.asking import RefusedError, ask, request_for
from vedette_transport.certifying import renew
from vedette_transport.identity import Identity
from vedette_transport.joining import join
from vedette_transport.renewal_token import sign_renewal
from vedette_transport.renewing import Renewer

from tests import brokers, cas, identities

pytestmark = pytest.mark.system
SENSOR = Principal.parse("sensor@host-8")
DAY = timedelta(days=1)


@pytest.fixture
def ca(tmp_path: Path) -> Iterator[cas.RunningCa]:
    with cas.serving(cas.make(tmp_path / "ca")) as running:
        yield running
        assert not any("Traceback" in line for line in running.log)


@pytest.fixture
def sensor(ca: cas.RunningCa, tmp_path: Path) -> Identity:
    join(ca.token().write(), tmp_path / "identity", operator=False)
    return Identity(tmp_path / "identity" / "sensor")


class Holder:
    """Who holds a key and a certificate, and asks with them whatever they like."""

    def __init__(
        self, ca: cas.RunningCa, name: str = str(SENSOR), ago: timedelta = 70 * DAY, *, known: bool = True
    ) -> None:
        self.ca, self.principal = ca, Principal.parse(name)
        self.key, now = Ed25519PrivateKey.generate(), datetime.now(UTC) - ago
        authority: Authority = open_ca(ca.folder)
        self.certificate = authority.certify(self.principal, self.key.public_key(), now)
        if known:
            register = open_register(ca.folder)
            with register.writing():
                register.add_certificate(self.principal, self.certificate, now)
            register.close()

    def token(self, **changed: object) -> bytes:
        fields: dict[str, object] = {
            "id": uuid4(),
            "issuer": str(self.principal),
            "issued_at": datetime.now(UTC),
            "request": request_for(self.principal, Ed25519PrivateKey.generate()),
        }
        return sign_renewal(Renewal.model_validate({**fields, **changed}), self.key, self.certificate)

    def ask(self, token: bytes) -> x509.Certificate:
        answer = ask(self.ca.address, self.ca.context(), "/renew", token)
        return x509.load_pem_x509_certificate(decode(Issued, answer).certificates[0].encode())


def test_a_host_renews_with_a_new_key_and_the_old_certificate_stays_good(
    ca: cas.RunningCa, sensor: Identity
) -> None:
    before = sensor.certificate
    renew(sensor, ca.address)
    assert sensor.certificate.public_key() != before.public_key()
    assert sensor.principal == SENSOR
    register = open_register(ca.folder)
    old, new = (
        register.certificate(before.serial_number),
        register.certificate(sensor.certificate.serial_number),
    )
    register.close()
    assert old is not None
    assert new is not None
    assert (old.revoked_at, new.replaced_at, new.revoked_at) == (None, None, None)
    assert old.replaced_at is not None
    crl = x509.load_pem_x509_crl((ca.folder / "public" / "crl.pem").read_bytes())
    assert crl.get_revoked_certificate_by_serial_number(before.serial_number) is None


def test_a_program_sees_to_it_itself_once_it_is_due(ca: cas.RunningCa, sensor: Identity) -> None:
    before, later = sensor.ends_at, datetime.now(UTC) + 61 * DAY
    renewer = Renewer(sensor, ca.address, now=lambda: later)
    assert renewer.step() >= 1_800
    assert sensor.ends_at >= before
    assert renewer.facts == {"certificate": f"on: until {sensor.ends_at:%Y-%m-%d}"}
    ca.await_line("renewed the certificate of sensor@host-8")


def test_an_operators_command_renews_what_it_acted_with(ca: cas.RunningCa, tmp_path: Path) -> None:
    (folder,) = join(ca.token("operator@anna").write(), tmp_path, operator=True).folders
    broker = BrokerAddress(port=brokers.free_port())
    settings = OperatorSettings(broker=broker, archive=tmp_path / "archive.db", identity=folder)
    new = Identity(folder).certificate
    with operator(settings):
        pass
    assert Identity(folder).certificate == new
    issued_at = datetime.now(UTC) - 70 * DAY
    identities.write(open_ca(ca.folder), "operator@anna", folder, ago=70 * DAY)
    old = Identity(folder).certificate
    register = open_register(ca.folder)
    with register.writing():
        register.add_certificate(Principal.parse("operator@anna"), old, issued_at)
    register.close()
    with operator(settings):
        pass
    assert Identity(folder).begins_at >= new.not_valid_before_utc


def test_a_revoked_program_says_so(
    ca: cas.RunningCa, sensor: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    revoke(ca.folder, "host-8", datetime.now(UTC))
    renewer = Renewer(sensor, ca.address, now=lambda: datetime.now(UTC) + 61 * DAY)
    renewer.step()
    assert "was revoked; enrol and join again" in renewer.facts["certificate"]
    assert any("was revoked" in line for line in caplog.messages)


def test_whoever_lost_the_answer_asks_again_and_gets_the_same(ca: cas.RunningCa) -> None:
    holder, request = Holder(ca), request_for(SENSOR, Ed25519PrivateKey.generate())
    first, second = (holder.ask(holder.token(request=request)) for _ in range(2))
    assert first == second


def test_a_request_that_was_overheard_is_worth_nothing(ca: cas.RunningCa) -> None:
    holder = Holder(ca)
    token = holder.token()
    holder.ask(token)
    with pytest.raises(RefusedError, match="came before"):
        holder.ask(token)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_request_of_another_time_is_refused(ca: cas.RunningCa, minutes: int) -> None:
    holder = Holder(ca)
    with pytest.raises(RefusedError, match="set the clocks"):
        holder.ask(holder.token(issued_at=datetime.now(UTC) + timedelta(minutes=minutes)))


def test_an_ended_certificate_renews_nothing(ca: cas.RunningCa) -> None:
    holder = Holder(ca, ago=91 * DAY)
    with pytest.raises(RefusedError, match="has ended; enrol and join again"):
        holder.ask(holder.token())


def test_a_certificate_of_another_ca_renews_nothing(ca: cas.RunningCa, tmp_path: Path) -> None:
    holder = Holder(ca)
    holder.certificate = identities.authority().certify(SENSOR, holder.key.public_key(), datetime.now(UTC))
    with pytest.raises(RefusedError, match="not of this deployment"):
        holder.ask(holder.token())


def test_a_certificate_that_the_register_does_not_know_renews_nothing(ca: cas.RunningCa) -> None:
    holder = Holder(ca, known=False)
    with pytest.raises(RefusedError, match="not in the register"):
        holder.ask(holder.token())


def test_nobody_renews_anothers(ca: cas.RunningCa) -> None:
    holder = Holder(ca)
    other = Principal.parse("sensor@host-9")
    with pytest.raises(RefusedError, match="must name sensor@host-8"):
        holder.ask(holder.token(request=request_for(other, Ed25519PrivateKey.generate())))
    with pytest.raises(RefusedError, match="not signed by whom it names"):
        holder.ask(holder.token(issuer="sensor@host-9"))


def test_a_key_that_is_not_the_certificates_renews_nothing(ca: cas.RunningCa) -> None:
    holder = Holder(ca)
    holder.key = Ed25519PrivateKey.generate()
    with pytest.raises(RefusedError, match="signature does not hold"):
        holder.ask(holder.token())


@pytest.mark.parametrize("name", ["analyzer@0", "broker@0", "ca@0", "console@main"])
def test_the_servers_own_do_not_ask(ca: cas.RunningCa, name: str) -> None:
    holder = Holder(ca, name)
    with pytest.raises(RefusedError, match="is given its certificates"):
        holder.ask(holder.token())


def test_no_other_algorithm_passes(ca: cas.RunningCa) -> None:
    holder = Holder(ca)
    head, payload, _ = holder.token().decode().split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    public = holder.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    claims = base64.urlsafe_b64decode(payload + "==")
    forged = [
        jwt.PyJWS().encode(claims, "", "none", headers={**header, "alg": "none"}),
        jwt.PyJWS().encode(claims, public + b"\0" * 32, "HS256", headers={**header, "alg": "HS256"}),
        jwt.PyJWS().encode(claims, holder.key, "EdDSA", headers={**header, "typ": "vedette-command"}),
        jwt.PyJWS().encode(claims, holder.key, "EdDSA", headers={**header, "jku": "https://evil.test"}),
        f"{head}.{payload}.",
    ]
    for token in forged:
        with pytest.raises(RefusedError):
            holder.ask(token.encode())


def test_one_principal_can_not_fill_the_register(ca: cas.RunningCa) -> None:
    holder = Holder(ca)
    for _ in range(10):
        holder.ask(holder.token())
    with pytest.raises(RefusedError, match="10 certificates within a day"):
        holder.ask(holder.token())
