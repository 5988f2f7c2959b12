"""The console's process: opens all that it needs, serves until it is told to end."""

import asyncio
import fcntl
import logging
import os
import resource
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from vedette_schemas import SettingsError
from vedette_transport.identity import Identity

from ..private import private_folder
from .accounts import Accounts
from .app import make_app, regions
from .archives import Archives
from .certificate import own_certificate
from .connections import MOST, Connection
from .desk import Desk
from .live import Live
from .pages.now import row
from .proposing import target_of
from .sessions import Sessions
from .settings import EVERYWHERE, ConsoleSettings
from .signing_in import SignIn
from .site import Site
from .store import Store

log = logging.getLogger(__name__)

_IDLE_SECONDS = 30


def serve(settings: ConsoleSettings) -> None:
    """Serve until SIGTERM or SIGINT; raise `VedetteError` where that can't be."""
    _allow_connections()
    with _alone(settings.folder):
        store = Store(settings.folder)
        accounts = Accounts(store)
        archives = Archives(settings.archive)
        desk = Desk(Identity(settings.identity), settings.broker)
        site = Site(
            settings=settings,
            store=store,
            accounts=accounts,
            sessions=Sessions(store),
            sign_in=SignIn(store, accounts),
            archives=archives,
            desk=desk,
            live=Live(archives, row, regions(settings)),
        )
        if settings.list is not None and (why_not := target_of(settings)[1]):
            log.warning("no row can be added at the console: %s", why_not)
        desk.start()
        try:
            asyncio.run(_serve(site))
        finally:
            desk.stop()
            archives.close()
            store.close()


def _allow_connections() -> None:
    """Let as many be open as we take: with fewer descriptors a crowd would keep files from being opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 4 * MOST)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _serve(site: Site) -> None:
    settings = site.settings
    listening = _listening(settings)
    config = uvicorn.Config(
        make_app(site),
        host=settings.listen.host,
        port=settings.listen.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        http=Connection,
        limit_concurrency=MOST,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=2,
        **_tls(settings),
    )
    for name in ("uvicorn", "python_multipart"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # garbage is normal, and our own errors we log
    server = _Server(config, site.live, settings.address)
    await server.serve([listening])


class _Server(uvicorn.Server):
    """A server that says when it is there; told to end, it sends the pages away that are kept current."""

    def __init__(self, config: uvicorn.Config, live: Live, address: str) -> None:
        super().__init__(config)
        self._live, self._address = live, address
        self._loop = asyncio.get_running_loop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        log.info("the console answers at %s", self._address)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._live.close)
        super().handle_exit(sig, frame)
        self._captured_signals.clear()  # to end is what we were asked for: no second signal is due


def _listening(settings: ConsoleSettings) -> socket.socket:
    where = settings.listen
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    try:
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((where.host, where.port))
    except (OSError, ValueError, TypeError) as error:  # the last two: no name that could be looked up at all
        why = error.strerror if isinstance(error, OSError) else ""
        raise SettingsError(
            f"the console can't listen at {where}: {why or error}; choose another address"
        ) from None
    return listening


def _tls(settings: ConsoleSettings) -> dict[str, Any]:
    """Return what uvicorn is told of TLS."""
    if not settings.speaks_tls:
        return {}
    certificate, key = settings.certificate, settings.key
    try:
        if certificate is None or key is None:
            names = [name for name in (*settings.names, settings.listen.host) if name not in EVERYWHERE]
            certificate, fingerprint = own_certificate(settings.folder, names)
            key = certificate
            log.info("its certificate is its own, with the SHA-256 fingerprint %s", fingerprint)
        # A key that wants a password is refused: nobody is there to be asked for it.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: b"")
    except (OSError, ValueError) as error:
        raise SettingsError(f"{certificate or settings.folder}: can't be used for HTTPS: {error}") from None
    return {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """Keep another console from serving the same folder: it would act under the same name."""
    try:
        private_folder(folder)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{folder}: can't be the console's folder: {error}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise SettingsError(f"{folder}: another console serves it") from None
    finally:
        os.close(descriptor)
