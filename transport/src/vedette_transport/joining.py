"""Joining: by a one-time token a host's programs, or an operator, come by their certificates."""

import hashlib
import hmac
import json
import ssl
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from vedette_schemas import (
    Enrolment,
    Issued,
    JoinToken,
    MessageError,
    Principal,
    SettingsError,
    decode,
    encode,
    principals_of,
)

from .asking import RefusedError, ask, certificate_for, request_for
from .identity import Identity
from .identity_folder import IdentityFolder, require_ours
from .joined import SERVER, Server
from .settings import Address, BrokerAddress
from .tls import trusting


class Joined(NamedTuple):
    """What came of joining."""

    principals: tuple[Principal, ...]
    folders: tuple[Path, ...]
    ends_at: datetime
    server: Server


def join(text: str, parent: Path, *, operator: bool) -> Joined:
    """Use a token: make keys, have them certified, and write identities below `parent`.

    Whoever is killed meanwhile joins again with the same token. Raise `SettingsError` where token or folder
    can't be used, `NotReachedError` and `RefusedError` as `ask` does.
    """
    token = _read(text, operator=operator)
    principals = principals_of(token.name)
    server = Server(ca=Address.parse(token.ca), broker=_broker(token.broker))
    ca = pinned(server.ca, token.fingerprint)
    ca_pem = ca.public_bytes(Encoding.PEM)
    context = trusting(ca_pem.decode())
    folders = tuple(IdentityFolder(parent / principal.program) for principal in principals)
    try:
        parent.mkdir(parents=True, mode=0o755, exist_ok=True)
        require_ours(parent)
        with ExitStack() as locks:
            for folder in folders:
                locks.enter_context(folder.changing())
            keys = [folder.key_for(token.secret) for folder in folders]
            requests = tuple(map(request_for, principals, keys))
            answer = ask(
                server.ca, context, "/enrol", encode(Enrolment(secret=token.secret, requests=requests))
            )
            issued = _issued(answer, len(principals))
            certificates = [
                certificate_for(principal, key, pem, ca)
                for principal, key, pem in zip(principals, keys, issued.certificates, strict=True)
            ]
            _write_server(parent / SERVER, server)
            for folder, certificate in zip(folders, certificates, strict=True):
                folder.take(certificate, ca_pem)
    except OSError as error:
        raise SettingsError(
            f"{error.filename or parent}: can't be written: {error.strerror}; are you root?"
        ) from None
    paths = tuple(folder.path for folder in folders)
    return Joined(principals, paths, min(Identity(path).ends_at for path in paths), server)


def pinned(address: Address, fingerprint: str) -> x509.Certificate:
    """Fetch the CA's certificate from whoever is there; raise `RefusedError` unless its SHA-256 is that."""
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.minimum_version = ssl.TLSVersion.TLSv1_2
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    try:
        found = x509.load_pem_x509_certificate(ask(address, blind, "/ca.pem"))
    except (ValueError, x509.InvalidVersion):
        raise RefusedError(f"what listens at {address} is no CA of Vedette's; is the port right?") from None
    if not hmac.compare_digest(hashlib.sha256(found.public_bytes(Encoding.DER)).hexdigest(), fingerprint):
        raise RefusedError(
            f"what listens at {address} is not the server that made the token (its CA's fingerprint differs):"
            " nothing was sent to it"
        )
    return found


def _read(text: str, *, operator: bool) -> JoinToken:
    try:
        token = JoinToken.read(text)
        principals_of(token.name)
    except MessageError as error:
        raise SettingsError(str(error)) from None
    if token.is_operators and not operator:
        raise SettingsError(f"this token is for {token.name}, a person: use 'vedette join' with it")
    if operator and not token.is_operators:
        raise SettingsError(f"this token is for the host {token.name}: use 'vedette-sensor join' there")
    return token


def _broker(text: str) -> BrokerAddress:
    found = Address.parse(text)
    return BrokerAddress(host=found.host, port=found.port)


def _issued(answer: bytes, count: int) -> Issued:
    try:
        issued = decode(Issued, answer)
    except MessageError:
        issued = None
    if issued is None or len(issued.certificates) != count:
        raise RefusedError("the CA's answer can't be read; is it of another version?")
    return issued


def _write_server(path: Path, server: Server) -> None:
    new = path.with_name(path.name + ".new")
    parts = {"ca": server.ca, "broker": server.broker}
    lines = (
        f"[{name}]\nhost = {json.dumps(each.host)}\nport = {each.port}\n" for name, each in parts.items()
    )
    new.write_text("# Where the server is: written by 'join'.\n" + "\n".join(lines))
    new.replace(path)
