"""The program's beginning: settings that can't be used are one line that says what to do, and exit 2."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from vedette_enforcer.settings import read_settings

from ..authority import make_ca

GOOD = 'host = "host-7"\nca = "ca.pem"\nbroker.plain = true\nsocket = "enforcer.sock"\nspool = "spool.db"\n'


def run(folder: Path, settings: str | None, *, ca: bool = True) -> subprocess.CompletedProcess[str]:
    if ca:
        make_ca(folder)
    path = folder / "enforcer.toml"
    if settings is not None:
        path.write_text(settings, "utf-8")
    return subprocess.run(
        [sys.executable, "-m", "vedette_enforcer", "--settings", str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        timeout=30,
    )


def test_help_names_what_is_for_who_sits_at_the_host() -> None:
    command = [sys.executable, "-m", "vedette_enforcer", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    assert all(
        f"'{word}'" in " ".join(said.split()) for word in ("vedette-enforcer journal", "release", "service")
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (None, "enforcer.toml: can't be read: No such file or directory"),
        ("host = ", "enforcer.toml: not TOML: "),
        (
            GOOD + "grace = 1\n",
            "unknown setting 'grace'; known are block, broker, ca, host, identity, isolate, journal, mode,"
            " never_touch, socket, spool, spool_mib, term_seconds",
        ),
        (GOOD.replace("host-7", "Host 7"), "'host': "),
        (GOOD + "term_seconds = 31\n", "'term_seconds': "),
        (GOOD + 'mode = "off"\n', "'mode': "),
        (GOOD + "term_seconds = -1\n", "'term_seconds': "),
        (GOOD + "broker.port = 70000\n", "'broker.port': "),
        (GOOD + "spool_mib = 0\n", "'spool_mib': "),
        (GOOD.replace("broker.plain = true\n", ""), "'ca' goes with 'plain = true' only"),
        (GOOD.replace('ca = "ca.pem"\n', ""), "'ca' is missing"),
        (GOOD.replace('host = "host-7"\n', ""), "'host' is missing"),
        ('identity = "nowhere"\nsocket = "s"\n', "nowhere: no certificate is there yet; on a host run"),
        (GOOD.replace("spool.db", "ca.pem/spool.db"), "ca.pem/spool.db: can't be made: "),
        (GOOD.replace("ca.pem", "other.pem"), "other.pem: can't be read: No such file or directory"),
        (GOOD.replace("ca.pem", "enforcer.toml"), "enforcer.toml: not a certificate in PEM"),
        (GOOD.replace("enforcer.sock", "s" * 200), "can't listen there: AF_UNIX path too long"),
        (GOOD.replace("enforcer.sock", "ca.pem/s"), "can't listen there: "),
    ],
)
def test_settings_that_cant_be_used_are_one_line_and_exit_2(
    settings: str | None, said: str, tmp_path: Path
) -> None:
    result = run(tmp_path, settings)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("vedette-enforcer: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_a_broker_it_waits_and_ends_in_order(tmp_path: Path) -> None:
    make_ca(tmp_path)
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        broker = f"broker.port = {taken.getsockname()[1]}\n"
        (tmp_path / "enforcer.toml").write_text(GOOD + broker, "utf-8")
        program = subprocess.Popen(
            [sys.executable, "-m", "vedette_enforcer", "--settings", "enforcer.toml"],
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        with program:
            assert program.stderr is not None
            assert "no broker at 127.0.0.1:" in program.stderr.readline()
            second = run(tmp_path, None)
            assert second.returncode == 2
            assert second.stderr.endswith(
                "spool.db: another program uses it: end that one, or set another 'spool'\n"
            )
            assert second.stderr.count("\n") == 1
            program.terminate()
            assert program.wait(10) == 0
            assert program.stderr.read() == ""
    assert not (tmp_path / "enforcer.sock").exists()


def test_paths_are_found_where_the_settings_say(tmp_path: Path) -> None:
    path = tmp_path / "enforcer.toml"
    path.write_text(GOOD, "utf-8")
    settings = read_settings(path)
    assert settings.ca == tmp_path / "ca.pem"
    assert settings.socket == Path("enforcer.sock"), "the path of a socket must stay short"
    assert settings.term_seconds == 2.0
