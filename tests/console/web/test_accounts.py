"""Accounts, passwords, sessions and lock-out, without a browser."""

import json
import sqlite3
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner
from vedette_console.__main__ import app
from vedette_console.web import passwords
from vedette_console.web.accounts import ONCE_LASTS, Account, Accounts
from vedette_console.web.first import how_to_begin
from vedette_console.web.roles import Role, What, may
from vedette_console.web.sessions import IDLE, LONGEST, Sessions, form_token, is_form_token
from vedette_console.web.signing_in import FREE, Refused, SignIn
from vedette_console.web.store import NAME, Store
from vedette_schemas import SettingsError

from tests import brokers

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
GOOD = "a few good words"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "console")
    yield store
    store.close()


@pytest.fixture
def accounts(store: Store) -> Accounts:
    return Accounts(store)


def has_chosen(accounts: Accounts, name: str, role: Role = Role.VIEWER) -> str:
    accounts.add(name, role, NOW)
    accounts.choose(name, GOOD, NOW)
    return name


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_nobody_else_can_read_the_database(store: Store) -> None:
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_a_database_that_others_can_read_is_refused(tmp_path: Path) -> None:
    Store(tmp_path / "console").close()
    (tmp_path / "console" / NAME).chmod(0o644)
    with pytest.raises(SettingsError, match="others may read"):
        Store(tmp_path / "console")


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "console").mkdir(mode=0o700)
    file = tmp_path / "console" / NAME
    file.write_bytes(b"no database" * 1_000)
    file.chmod(0o600)
    with pytest.raises(SettingsError, match="can't be used"):
        Store(tmp_path / "console")


def test_a_database_of_a_newer_vedette_is_refused(store: Store) -> None:
    with sqlite3.connect(store.path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(SettingsError, match="newer"):
        Store(store.path.parent)


def test_neither_password_nor_session_is_stored(store: Store, accounts: Accounts) -> None:
    once = accounts.add("anna", Role.VIEWER, NOW)
    secret = Sessions(store).begin("anna", NOW)
    content = b"".join(file.read_bytes() for file in store.path.parent.iterdir())
    assert b"anna" in content
    assert once.encode() not in content
    assert secret.encode() not in content


@pytest.mark.parametrize("name", ["", "Anna", "a b", "a/b", "-a", "a" * 33, "a\n", "ä"])
def test_a_name_is_plain(accounts: Accounts, name: str) -> None:
    with pytest.raises(SettingsError, match="lower-case"):
        accounts.add(name, Role.VIEWER, NOW)


@pytest.mark.parametrize("password", ["short", "a" * 12, "x" * 201, "abababababababab", "anna-anna-anna"])
def test_a_weak_password_is_not_taken(accounts: Accounts, password: str) -> None:
    accounts.add("anna", Role.VIEWER, NOW)
    with pytest.raises(SettingsError, match="password"):
        accounts.choose("anna", password, NOW)


def test_the_last_admin_stays_one(accounts: Accounts) -> None:
    accounts.add("ada", Role.ADMIN, NOW)
    with pytest.raises(SettingsError, match="last admin"):
        accounts.remove("ada")
    with pytest.raises(SettingsError, match="last admin"):
        accounts.give("ada", Role.VIEWER)
    accounts.add("eve", Role.ADMIN, NOW)
    accounts.give("ada", Role.VIEWER)
    assert [(each.name, each.role) for each in accounts.everyone()] == [("ada", "viewer"), ("eve", "admin")]


def test_a_new_password_ends_all_sessions(store: Store, accounts: Accounts) -> None:
    sessions = Sessions(store)
    has_chosen(accounts, "anna")
    secret = sessions.begin("anna", NOW)
    assert sessions.account(secret, NOW) == "anna"
    accounts.reset("anna", NOW)
    assert sessions.account(secret, NOW) is None


def test_a_session_ends_when_it_is_idle_and_after_a_week_in_any_case(
    store: Store, accounts: Accounts
) -> None:
    sessions = Sessions(store)
    has_chosen(accounts, "anna")
    idle, used = sessions.begin("anna", NOW), sessions.begin("anna", NOW)
    at = NOW
    while at < NOW + LONGEST:
        assert sessions.account(used, at) == "anna"
        at += IDLE * 0.9
    assert sessions.account(used, NOW + LONGEST + timedelta(minutes=1)) is None
    assert sessions.account(idle, NOW + IDLE + timedelta(minutes=1)) is None


def test_a_form_belongs_to_one_session() -> None:
    assert is_form_token(form_token("one"), "one")
    assert not is_form_token(form_token("one"), "two")
    assert not is_form_token("ä", "one")


@pytest.mark.parametrize("name", ["anna", "nobody"])
def test_who_fails_too_often_waits_longer_each_time(store: Store, accounts: Accounts, name: str) -> None:
    has_chosen(accounts, "anna")
    clock = Clock()
    sign_in = SignIn(store, accounts, clock)

    def fails() -> Refused:
        found = sign_in.attempt(name, "wrong", "192.0.2.1")
        assert isinstance(found, Refused)
        return found

    assert [fails().wait for _ in range(FREE)] == [0.0] * FREE
    waits: list[float] = []
    for _ in range(8):
        waits.append(fails().wait)
        assert isinstance(sign_in.attempt(name, GOOD, "192.0.2.2"), Refused), "not even with the password"
        clock.now += timedelta(seconds=waits[-1])
        assert fails().wait == 0.0
    assert waits == [15, 30, 60, 120, 240, 480, 900, 900]
    clock.now -= timedelta(days=30)
    assert fails().wait == 900, "a clock that was set back locks nobody out for longer"


def test_who_waited_is_let_in_and_starts_anew(store: Store, accounts: Accounts) -> None:
    has_chosen(accounts, "anna")
    clock = Clock()
    sign_in = SignIn(store, accounts, clock)
    for _ in range(FREE):
        sign_in.attempt("anna", "wrong", "192.0.2.1")
    clock.now += timedelta(seconds=15)
    assert isinstance(sign_in.attempt(" Anna ", GOOD, "192.0.2.1"), Account)
    assert sign_in.attempt("anna", "wrong", "192.0.2.1") == Refused("Name or password is wrong.")


def test_one_address_can_not_try_many_names(store: Store, accounts: Accounts) -> None:
    sign_in = SignIn(store, accounts)
    tried = [sign_in.attempt(f"name-{number}", "wrong", "192.0.2.1") for number in range(22)]
    assert isinstance(tried[-1], Refused)
    assert tried[-1].wait > 0
    assert sign_in.attempt("name-0", "wrong", "192.0.2.2") == Refused("Name or password is wrong.")


def test_an_account_that_is_not_there_takes_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    hasher = passwords._HASHER  # pyright: ignore[reportPrivateUsage]

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            checked.append(stored)
            return hasher.verify(stored, password)

    stored = passwords.hashed(GOOD)
    monkeypatch.setattr(passwords, "_HASHER", Counting())
    assert passwords.is_right(GOOD, stored)
    assert not passwords.is_right(GOOD, None)
    assert len(checked) == 2
    parameters = [each.rsplit("$", 2)[0] for each in checked]
    assert parameters[0] == parameters[1], "the same cost"


@pytest.mark.parametrize(
    ("what", "who"),
    [
        (What.LOOK, "viewer responder admin"),
        (What.ACT, "responder admin"),
        (What.TRIAGE, "responder admin"),
        (What.LISTS, "admin"),
        (What.ACCOUNTS, "admin"),
    ],
)
def test_who_may_do_what(what: What, who: str) -> None:
    assert {role for role in Role if may(role, what)} == set(who.split())


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_the_first_password_is_told_to_a_terminal_alone(accounts: Accounts) -> None:
    assert "user add" in how_to_begin(accounts, StringIO())
    assert accounts.everyone() == []
    first = how_to_begin(accounts, Terminal())
    assert "sign in as 'admin', once with: " in first
    assert how_to_begin(accounts, Terminal()) != first, "nobody has used it: it is replaced"
    accounts.choose("admin", GOOD, NOW)
    assert how_to_begin(accounts, Terminal()) == how_to_begin(accounts, StringIO()) == ""


def test_a_one_time_password_ends(store: Store, accounts: Accounts) -> None:
    once, clock = accounts.add("anna", Role.VIEWER, NOW), Clock()
    sign_in = SignIn(store, accounts, clock)
    clock.now = NOW + ONCE_LASTS - timedelta(seconds=1)
    assert isinstance(sign_in.attempt("anna", once, "192.0.2.1"), Account)
    clock.now = NOW + ONCE_LASTS
    assert sign_in.attempt("anna", once, "192.0.2.1") == Refused(
        "This one-time password has ended. Ask an admin for another one."
    )
    assert sign_in.attempt("anna", "wrong", "192.0.2.1") == Refused("Name or password is wrong.")
    again = accounts.reset("anna", clock.now)
    assert isinstance(sign_in.attempt("anna", again, "192.0.2.1"), Account)
    accounts.choose("anna", GOOD, clock.now)
    clock.now += 10 * ONCE_LASTS
    assert isinstance(sign_in.attempt("anna", GOOD, "192.0.2.1"), Account), "one's own goes on"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "console.toml").write_text('archive = "archive.db"\nidentity = "identity"\n')
    return tmp_path


def vedette(*words: str | Path) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, ["console", *map(str, words)])
    return found.exit_code, found.stdout, found.stderr


def test_accounts_are_kept_by_the_command_line(folder: Path) -> None:
    code, password, told = vedette("user", "add", "anna", "--role", "responder", "--folder", folder)
    assert (code, len(password.strip())) == (0, 19)
    assert "anna may sign in as responder" in told
    assert vedette("user", "role", "anna", "admin", "--folder", folder)[0] == 0
    assert vedette("user", "password", "anna", "--folder", folder)[1] != password
    listed = vedette("user", "list", "--folder", folder)[1]
    assert listed.startswith(f"{'anna':<32}  {'admin':<9}  never signed in, has a one-time password until ")
    assert '"role": "admin"' in vedette("user", "list", "--folder", folder, "--json")[1]
    code, secret, _ = vedette("token", "add", "siem", "--scope", "read", "--folder", folder)
    assert (code, secret.startswith("vedette_")) == (0, True)
    assert "siem" in vedette("token", "list", "--folder", folder)[1]
    (told,) = json.loads(vedette("token", "list", "--folder", folder, "--json")[1])
    assert (told["name"], told["scopes"], told["used_at"]) == ("siem", ["read"], None)
    assert secret.strip() not in str(told)
    assert vedette("token", "remove", "siem", "--folder", folder)[0] == 0
    assert vedette("token", "list", "--folder", folder)[1] == ""
    assert vedette("token", "add", "short", "--days", "1", "--folder", folder)[2].startswith(
        "good for 1 day;"
    )


def test_where_no_console_answers_its_health_says_so(folder: Path) -> None:
    port = brokers.free_port()
    with (folder / "console.toml").open("a") as settings:
        settings.write(f'listen = {{ host = "127.0.0.1", port = {port} }}\n')
    code, said, _ = vedette("health", "--folder", folder)
    assert (code, said.startswith(f"no console answers at 127.0.0.1:{port}")) == (1, True)
