"""`vedette up` and `vedette demo`: all of Vedette on this machine, as the options say."""

from pathlib import Path
from typing import Annotated

import typer
from vedette_schemas import Mode
from vedette_transport import BrokerAddress
from vedette_transport.settings import Address

from .deployment import Deployment, free_port, host_label, read_host
from .overlay import MAY_SAY, NO_OVERLAY, read_overlay
from .up import Up

_LIST = Path("data/blocklist.csv")

Port = Annotated[int, typer.Option(min=1, max=65535, help="The embedded broker's port.")]
CaPort = Annotated[int, typer.Option(min=1, max=65535, help="The CA's port.")]
Lists = Annotated[list[Path] | None, typer.Option("--list", help="A list of indicators; may be repeated.")]
Broker = Annotated[str, typer.Option(help="HOST:PORT of a broker to use in place of the embedded one.")]
Overlay = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help=f"TOML laid over theirs: tables {', '.join(MAY_SAY)}."),
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--name",
        help="A name or address that other hosts reach this one by; may be repeated. With one,"
        " broker and CA listen beyond loopback.",
    ),
]
Console = Annotated[
    str,
    typer.Option(
        metavar="HOST:PORT", help="Where browsers reach the console: HTTPS beyond loopback; 'off': nowhere."
    ),
]
Portable = Annotated[bool, typer.Option(help="Poll windows and clipboard instead of waiting for events.")]
AsJson = Annotated[bool, typer.Option("--json", help="Alerts as JSON lines.")]


def up(
    folder: Annotated[Path, typer.Option(help="Where keys, settings and logs go.")] = Path("run"),
    lists: Lists = None,
    host: Annotated[str, typer.Option(help="This host's name: letters, digits, hyphens.")] = "",
    port: Port = 8883,
    broker: Broker = "",
    mode: Annotated[Mode, typer.Option(help="What verdicts lead to.")] = Mode.ENFORCE,
    settings: Overlay = None,
    *,
    ca_port: CaPort = 8884,
    names: Names = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Without TLS: on loopback only, or to a broker that has none.")
    ] = False,
    console: Console = "127.0.0.1:8080",
    portable: Portable = False,
    as_json: AsJson = False,
) -> None:
    """Run broker, analyzer and this host's programs; print each alert as it comes."""
    deployment = Deployment(
        folder=folder,
        host=read_host(host) if host else host_label(),
        broker=BrokerAddress.parse(broker or f"127.0.0.1:{port}", plain=plain),
        ca_port=ca_port,
        names=tuple(names or ()),
        lists=tuple(lists or [_LIST]),
        mode=mode,
        own_broker=not broker,
        sources="portable" if portable else "auto",
        overlay=read_overlay(settings) if settings else NO_OVERLAY,
        console=None if console == "off" else Address.parse(console),
    )
    Up(deployment, as_json=as_json).run()


def demo(
    folder: Annotated[Path, typer.Option(help="Where the screenshot goes.")] = Path("run"),
    lists: Lists = None,
    broker: Broker = "",
    *,
    plain: Annotated[bool, typer.Option("--plain", help="Without TLS, to a broker that has none.")] = False,
    portable: Portable = False,
    as_json: AsJson = False,
) -> None:
    """Show the main job on a desktop of its own: browser, clipboard, a program that is ended."""
    deployment = Deployment(
        folder=folder / "demo",
        host="demo",
        broker=BrokerAddress.parse(broker or f"127.0.0.1:{free_port()}", plain=plain),
        ca_port=free_port(),
        lists=tuple(lists or [_LIST]),
        sources="portable" if portable else "auto",
        own_broker=not broker,
    )
    from .demo import Demo  # noqa: PLC0415 (what it needs is not there where hosts are served)

    if not Demo(deployment, folder / "demo.png", as_json=as_json).run():
        raise typer.Exit(130)
