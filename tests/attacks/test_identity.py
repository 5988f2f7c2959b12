"""Who is who they say: certificates, and the names that go with them."""

import datetime as dt
import ssl
from pathlib import Path

import pytest
from vedette_schemas import topics

from tests import brokers
from tests.authority import DAY, make_ca

from .raw import ACCEPTED, Wire, connect, is_refused, publish, subscribe
from .site import VICTIM, Site, site

pytestmark = pytest.mark.system

NAME = str(VICTIM)


def test_no_certificate(place: Site) -> None:
    assert is_refused(place.address, place.tls(None), connect(NAME), subscribe(topics.command(VICTIM)))
    assert place.nothing_has_happened()


def test_no_tls(place: Site) -> None:
    with Wire(place.address) as stranger:
        stranger.send(connect(NAME))
        assert not stranger.packet().startswith(ACCEPTED)
    assert place.nothing_has_happened()


def test_an_old_version_of_tls(place: Site) -> None:
    context = place.tls(NAME)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert is_refused(place.address, context, connect(NAME))
    assert place.nothing_has_happened()


def test_a_certificate_of_another_ca_with_the_same_name(place: Site, tmp_path: Path) -> None:
    other = make_ca(tmp_path)
    context = place.tls(None)
    issued = other.issue(NAME)
    context.load_cert_chain(issued.certificate, issued.key)
    assert is_refused(place.address, context, connect(NAME))
    assert place.nothing_has_happened()


@pytest.mark.parametrize("starts", [-10 * DAY, 10 * DAY])
def test_a_certificate_that_is_not_valid_now(place: Site, starts: dt.timedelta) -> None:
    issued = place.authority.issue(NAME, valid_from=dt.datetime.now(dt.UTC) + starts, valid_for=DAY)
    assert is_refused(place.address, brokers.client_context(place.authority, issued), connect(NAME))
    assert place.nothing_has_happened()


@pytest.mark.parametrize("kind", brokers.KINDS)
def test_a_revoked_certificate(kind: str, tmp_path: Path) -> None:
    authority = make_ca(tmp_path / "ca")
    stolen = authority.issue(NAME)
    with site(kind, tmp_path, authority=authority, revoked=(stolen,)) as place:
        assert is_refused(place.address, brokers.client_context(authority, stolen), connect(NAME))
        assert place.nothing_has_happened()
        assert kind == "mosquitto" or "its certificate is revoked" in place.log()


@pytest.mark.parametrize("clean", [True, False])
def test_ones_certificate_with_anothers_client_id(place: Site, clean: bool) -> None:
    with Wire(place.address, place.tls("enforcer@host-7")) as thief:
        thief.try_to_send(connect(NAME, clean=clean), subscribe(topics.command(VICTIM), topics.ack(VICTIM)))
        assert place.nothing_has_happened()
        thief.try_to_send(b"\xe0\x00")  # DISCONNECT: what was for it comes before it ends
        while answer := thief.packet():
            assert answer[0] >> 4 in (2, 9), "a CONNACK and a SUBACK are all that it may get"
    assert place.running.kind == "mosquitto" or "its certificate does not" in place.log()


@pytest.mark.parametrize(
    "name", ["host-9", "root", "*", "#", "enforcer@host-9/x", "enforcer@", "mallory@host-9"]
)
def test_a_certificate_that_names_no_principal_is_good_for_nothing(place: Site, name: str) -> None:
    with Wire(place.address, place.tls(name)) as stranger:
        stranger.try_to_send(connect(name), subscribe("#"), publish(topics.command(VICTIM), b"forged"))
        assert place.nothing_has_happened()
        stranger.try_to_send(b"\xe0\x00")
        while answer := stranger.packet():
            assert answer[0] >> 4 in (2, 4, 9)


@pytest.mark.parametrize("stranger", ["none", "another's"])
def test_a_session_is_not_taken_over(place: Site, stranger: str) -> None:
    """The victim's subscriptions survive each of a hundred attempts, whether clean or not."""
    context = place.tls(None if stranger == "none" else "sensor@host-7")
    for attempt in range(100 if stranger == "none" else 20):
        with Wire(place.address) as plain:
            plain.try_to_send(connect(NAME, clean=attempt % 2 == 0))
        with_tls = connect(NAME, clean=attempt % 2 == 0)
        assert is_refused(place.address, context, with_tls) or place.running.kind == "mosquitto"
    assert place.nothing_has_happened()


@pytest.mark.parametrize(
    "refused",
    [
        b"\x10\x0c\x00\x04MQTT\x09\x02\x00\x3c\x00\x00",
        b"\x10\x0d\x00\x04MQTT\x04\x03\x00\x3c\x00\x01x",
    ],
    ids=["MQTT 9", "reserved flag"],
)
def test_a_refused_connect_with_the_victims_own_certificate_leaves_it_alone(
    place: Site, refused: bytes
) -> None:
    """Even who has the certificate must say something valid before the older connection ends."""
    assert is_refused(place.address, place.tls(NAME), refused)
    assert place.nothing_has_happened()
