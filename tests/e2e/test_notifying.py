"""From a copied text to the mail about it, by `vedette up` with a `notify.toml` in its folder."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from vedette_schemas import Kind, Principal, encode, topics
from vedette_transport import BrokerAddress

from tests import brokers, messages
from tests.analyzer.notifying.mailserver import MailServer, serving, text_of
from tests.analyzer.notifying.test_mail import settings
from tests.e2e.product import Product

pytestmark = pytest.mark.system
SENSOR = Principal.parse("sensor@host-9")


def copied(product: Product, text: str, number: int) -> None:
    report = messages.report(messages.clipboard(text), sender=str(SENSOR), first=number)
    client = brokers.Client(BrokerAddress(port=product.port))
    client.publish(topics.report(SENSOR, Kind.CLIPBOARD), encode(report))
    client.close()


def test_what_was_copied_is_mailed_and_again_when_the_notifier_was_killed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o755)
    rows = ("phrase,some phrase,alert,high,,,,", "phrase,other phrase,alert,high,,,,")
    with serving(MailServer()) as server:
        (tmp_path / "run" / "notify.toml").write_text(settings(server))
        with Product(tmp_path, "--json", rows=rows, plain=True) as product:
            copied(product, "here is some phrase", 1)
            first = server.next()
            mail = text_of(first)
            assert "host-9: what was copied is listed: phrase some phrase" in mail
            assert "here is" not in mail
            os.kill(product.pid("notify"), signal.SIGKILL)
            copied(product, "and other phrase", 2)
            second = server.next()
            if second["Message-ID"] == first["Message-ID"]:  # killed before it had noted that it was sent
                second = server.next()
            assert "phrase other phrase" in text_of(second)
            assert server.is_quiet


def test_a_file_that_can_not_be_used_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o755)
    (tmp_path / "run" / "notify.toml").write_text("[route.x]\nby = 'email'\n")
    product = Product(tmp_path, "--json", plain=True)
    done = subprocess.run(
        product.command, env=product.environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "notify: " in done.stderr.splitlines()[-1]
    assert "notify.toml: 'route.x.email.to': Field required" in done.stderr.splitlines()[-1]


def test_a_file_that_comes_later_is_used_and_one_that_can_not_be_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o755)
    path = tmp_path / "run" / "notify.toml"
    with (
        serving(MailServer()) as server,
        Product(tmp_path, "--json", rows=("phrase,some phrase,alert,high,,,,",), plain=True) as product,
    ):
        path.write_text("[route.x]\nby = 'email'\n")
        product.await_line(lambda line: "'route.x.email.to': Field required; all else goes on" in line)
        path.write_text(settings(server))
        product.await_line(lambda line: line.startswith("telling    as notify.toml says"))
        copied(product, "here is some phrase", 1)
        assert "phrase some phrase" in text_of(server.next())
