"""The one process that holds the CA's key: enrols, renews, revokes, and keeps the server's own identities."""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from vedette_schemas import CA, SettingsError
from vedette_transport.identity import Identity

from .certificates import Authority
from .connections import Gate
from .folder import CaSettings, open_ca, open_register, publish
from .issuing import Issuer
from .register import Register
from .upkeep import Upkeep, own
from .web import Web

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
"""Within which a revocation is on the list."""


def serve(path: Path) -> None:
    """Serve until SIGTERM or SIGINT, as the settings at `path` say.

    Raise `SettingsError` where settings or folder can't be used.
    """
    settings = CaSettings.read(path)
    authority = open_ca(settings.folder)
    with _alone(settings.folder):
        register = open_register(settings.folder)
        try:
            asyncio.run(_serve(settings, authority, register))
        finally:
            register.close()


async def _serve(settings: CaSettings, authority: Authority, register: Register) -> None:
    own_folder = settings.folder / "identity"
    try:
        publish(settings.folder, "ca.pem", authority.public())
    except OSError as error:
        raise SettingsError(f"{error.filename}: can't be written: {error.strerror}") from None
    kept = {**own(settings.identities), CA: own_folder}
    upkeep = Upkeep(authority, register, settings.folder, kept, settings.all_names())
    upkeep.step(datetime.now(UTC))
    if upkeep.trouble:
        raise SettingsError(upkeep.trouble)
    identity = Identity(own_folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    identity.load_into(context)

    def look(*, ours: bool = False) -> None:
        if upkeep.step(datetime.now(UTC), ours=ours):
            identity.load_into(context)

    web = Web(
        authority,
        Issuer(authority, register),
        settings.folder / "public",
        changed=lambda: look(ours=True),
        trouble=lambda: upkeep.trouble,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        gate = Gate(web.app, context)
        server = await loop.create_server(gate.connection, settings.listen.host, settings.listen.port)
    except OSError as error:
        raise SettingsError(f"can't listen at {settings.listen}: {error.strerror or error}") from None
    log.info("the CA answers at %s", settings.listen)
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK_SECONDS)
        look()
    server.close()


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """Keep another CA from serving the same folder."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"{error.filename}: can't be made: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise SettingsError(f"{folder}: another 'vedette ca serve' runs there") from None
    finally:
        os.close(descriptor)
