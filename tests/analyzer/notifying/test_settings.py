"""What `notify.toml` may say, and what people are told where it can't be used."""

import os
import re
from pathlib import Path

import pytest
from vedette_analyzer.notifying.secure import ClientContext, read_secret
from vedette_analyzer.notifying.senders import senders
from vedette_analyzer.notifying.settings import NotifySettings
from vedette_analyzer.notifying.showing import Sight
from vedette_schemas import SettingsError
from vedette_transport import load_settings

from tests import identities
from tests.analyzer.notifying.routes import write

ROOT = Path(__file__).parents[3]
MAIL = '[mail]\nhost = "mail.example"\nsender = "vedette@school.example"\n'
EMAIL = '[route.a]\nby = "email"\nto = ["a@school.example"]\n'
SYSLOG = '[route.a]\nby = "syslog"\nserver = "siem.example:6514"\n'


def load(folder: Path, text: str) -> NotifySettings:
    return load_settings(NotifySettings, write(folder / "notify.toml", text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'route': Field required"),
        ("[route]\n", "'route': "),
        (EMAIL, "routes by e-mail need a mail server: a table [mail] with 'host' and 'sender'"),
        (MAIL + EMAIL + 'may_see = ["everything"]', "'route.a.email.may_see.0': Input should be 'host'"),
        (MAIL + EMAIL + "colour = 1", "unknown setting 'route.a.email.colour'"),
        (MAIL + EMAIL + 'hours = ["always"]', "'always': give hours like 'mon-fri 07:30-17:00'"),
        (MAIL + EMAIL + 'digest = "daily"\ndigest_at = "7"', "'route.a.email.digest_at'"),
        (MAIL + '[route.a]\nby = "email"\nto = ["a@b\\nBcc: c@d"]', "'route.a.email.to.0'"),
        ('[route.a]\nby = "pigeon"', "'route.a': Input tag 'pigeon' found using 'by' does not match"),
        (SYSLOG.replace(":6514", ""), "give HOST:PORT"),
        (SYSLOG + 'over = "udp"\nca = "x"', 'are for over = "tls"'),
        (SYSLOG + 'certificate = "x"', "'certificate' and 'key' are to be given together"),
        ('time_zone = "Mars/Olympus"\n' + SYSLOG, "no time zone 'Mars/Olympus' is known here"),
        ('time_zone = "../../etc/passwd"\n' + SYSLOG, "no time zone"),
        (MAIL + 'user = "x"\n' + EMAIL, "'user' and 'password_file' are to be given together"),
        (
            MAIL + 'user = "x"\npassword_file = "p"\ntls = "none"\n' + EMAIL,
            "a password is not sent without TLS",
        ),
    ],
)
def test_what_can_not_be_used_is_said_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'notify.toml'}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MAIL + 'user = "x"\npassword_file = "none"\n' + EMAIL, "none: can't be read: No such file"),
        (MAIL + 'ca = "none"\n' + EMAIL, "none: holds no certificates that can be used: No such file"),
        (SYSLOG + 'ca = "notify.toml"', "notify.toml: holds no certificates that can be used"),
        (SYSLOG + 'certificate = "notify.toml"\nkey = "notify.toml"', "holds no certificates"),
        ('[route.a]\nby = "apprise"\nurl_file = "notify.toml"', "is to hold one line, the secret"),
    ],
)
def test_what_the_settings_name_is_looked_at_before_it_is_needed(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)):
        senders(load(tmp_path, text), tmp_path)


def test_a_secret_that_all_can_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "password", "correct horse\n", 0o644)
    words = r"all users can read or change this secret; run: chmod o= .*password"
    with pytest.raises(SettingsError, match=words):
        read_secret(path)
    path.chmod(0o640)
    assert read_secret(path) == "correct horse"


def test_a_secret_is_a_file_of_one_line_that_no_other_can_change(tmp_path: Path) -> None:
    path = write(tmp_path / "password", "correct horse\n", 0o602)
    with pytest.raises(SettingsError, match="all users can read or change this secret"):
        read_secret(path)
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(SettingsError, match="all users can read or change this secret"):
        read_secret(link)
    path.chmod(0o600)
    assert read_secret(link) == "correct horse"
    for text in ("two\nlines", "", "x" * 5_000):
        with pytest.raises(SettingsError, match="is to hold one line"):
            read_secret(write(path, text))


@pytest.mark.parametrize(
    "text", [SYSLOG + 'ca = "pipe"', MAIL + 'user = "x"\npassword_file = "pipe"\n' + EMAIL]
)
def test_nobody_waits_for_who_would_write_into_a_pipe(tmp_path: Path, text: str) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(SettingsError, match=r"pipe: .*is no file"):
        senders(load(tmp_path, text), tmp_path)


def test_a_key_that_all_can_read_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "key.pem", "a key", 0o644)
    with pytest.raises(SettingsError, match=r"key.pem: all users can read"):
        senders(load(tmp_path, SYSLOG + 'certificate = "notify.toml"\nkey = "key.pem"'), tmp_path)


def test_certificates_that_are_half_written_leave_what_was_and_whole_ones_count(tmp_path: Path) -> None:
    path = identities.write(identities.authority(), "broker@0", tmp_path / "server") / "ca.pem"
    whole, context = path.read_text(), ClientContext(path)
    before = context.now()
    for text in ("half of", "", "half of it"):
        path.write_text(text)
        assert context.now() is before
    path.write_text(whole)
    assert context.now() is not before
    assert context.now() is context.now()


def test_a_file_that_is_nested_too_deeply_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not TOML: nested too deeply"):
        load(tmp_path, "x = " + "[" * 50_000)


def test_a_route_without_apprise_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    write(tmp_path / "url", "json://localhost/")
    found = load(tmp_path, '[route.chat]\nby = "apprise"\nurl_file = "url"\n')
    with pytest.raises(SettingsError, match=r"route chat: .* install vedette-analyzer\[apprise\]"):
        senders(found, tmp_path)


def test_the_example_that_people_copy_can_be_used(tmp_path: Path) -> None:
    examples = re.findall(
        r"```toml\n(.*?)```", (ROOT / "docs" / "NOTIFYING.md").read_text("utf-8"), re.DOTALL
    )
    found = load(tmp_path, examples[0])
    assert list(found.route) == ["officer", "hr", "siem", "phones"]
    assert Sight.USER not in found.route["officer"].may_see
    assert not {Sight.SUBJECT, Sight.TITLE} & set(found.route["hr"].may_see)
    assert load(tmp_path, examples[1] + SYSLOG).queue == Path("/var/lib/vedette/notify/queue.db")
