"""Settings of the user's own for `vedette up`: laid over what it writes, refused with file and key."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner
from vedette_analyzer.settings import AnalyzerSettings
from vedette_broker.settings import BrokerSettings
from vedette_console.__main__ import app
from vedette_console.deployment import Deployment
from vedette_console.overlay import MAY_SAY, UP_KEEPS, UP_SAYS, merged, read_overlay
from vedette_enforcer.settings import EnforcerSettings
from vedette_schemas import SettingsError
from vedette_sensor.__main__ import SensorSettings
from vedette_sensor.session import SessionSettings
from vedette_transport import BrokerAddress, Settings

MODELS: dict[str, type[Settings]] = {
    "analyzer": AnalyzerSettings,
    "sensor": SensorSettings,
    "enforcer": EnforcerSettings,
    "session": SessionSettings,
    "broker": BrokerSettings,
}


@pytest.mark.parametrize("program", MODELS)
def test_each_setting_of_a_program_may_be_said_or_is_said_by_up(program: str) -> None:
    may, says = MAY_SAY[program], UP_SAYS[program]
    known = set(MODELS[program].model_fields)
    assert not may & (says.keys() | UP_KEEPS)
    assert may | says.keys() <= known
    assert known <= may | says.keys() | UP_KEEPS


def written(folder: Path, text: str) -> dict[str, dict[str, object]]:
    """The settings that 'vedette up' writes with this file laid over them."""
    (folder / "mine.toml").write_text(text)
    deployment = Deployment(
        folder=folder / "run",
        host="host-7",
        broker=BrokerAddress(),
        lists=(Path("list.csv"),),
        ca_port=8884,
        overlay=read_overlay(folder / "mine.toml"),
    )
    deployment.prepare()
    return {program: tomllib.loads(deployment.settings_path(program).read_text()) for program in MODELS}


def test_what_the_file_says_counts_and_all_else_stays(tmp_path: Path) -> None:
    analyzer = "[analyzer.retention]\nclipboard = 3\n[analyzer.hosts.host-8]\nmode = 'observe'"
    settings = written(tmp_path, f"[enforcer]\nblock = false\n{analyzer}")
    assert (settings["enforcer"]["block"], settings["enforcer"]["isolate"]) == (False, True)
    assert settings["enforcer"]["broker"] == {"host": "127.0.0.1", "port": 1883}
    assert settings["analyzer"]["retention"] == {"clipboard": 3}
    assert settings["analyzer"]["hosts"] == {"host-8": {"mode": "observe"}}
    assert settings["analyzer"]["mode"] == "enforce"
    AnalyzerSettings.model_validate(settings["analyzer"])


def test_a_path_starts_at_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = written(tmp_path, '[enforcer]\nnever_touch = "mine/never.toml"\nspool = "/spools/enforcer.db"')
    assert settings["enforcer"]["never_touch"] == str(tmp_path / "mine" / "never.toml")
    assert settings["enforcer"]["spool"] == "/spools/enforcer.db"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[enforcr]", "unknown table [enforcr]; known are analyzer, broker"),
        ("enforcer = 1", "enforcer: is to be a table"),
        ("[enforcer]\nblok = false", "[enforcer] 'blok': unknown setting; known are block, isolate"),
        ("[enforcer]\nhost = 'other'", "[enforcer] 'host': give --host"),
        ("[analyzer]\nmode = 'observe'", "[analyzer] 'mode': give --mode"),
        ("[analyzer]\narchive = 'a.db'", "[analyzer] 'archive': 'vedette up' sets it"),
        ("[analyzer]\nblock_hours = 2026-01-01", "[analyzer] 'block_hours': is no text"),
        ("[analyzer]\nblock_hours = nan", "[analyzer] 'block_hours': is no text"),
        ("[analyzer]\nretention = [{clipboard = 1}]", "[analyzer] 'retention': is no text"),
        ("[analyzer", "not TOML"),
        ("a = " + "[" * 5_000, "not TOML"),
        ("a = '\udcff'", "not TOML"),
    ],
)
def test_what_can_not_be_laid_over_is_refused_with_file_and_key(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError) as refused:
        read_overlay(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: can't be read"):
        read_overlay(tmp_path / "none.toml")


TABLES = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
).filter(lambda found: isinstance(found, dict))


@given(TABLES, TABLES)
def test_all_that_is_laid_over_is_there_afterwards(
    below: dict[str, object], above: dict[str, object]
) -> None:
    once = merged(below, above)
    assert merged(once, above) == once
    assert merged({}, above) == above
    assert merged(below, {}) == below
    assert once.keys() == below.keys() | above.keys()


def test_up_names_all_tables_in_its_help() -> None:
    shown = CliRunner().invoke(app, ["up", "--help"]).stdout
    assert f"tables {', '.join(MAY_SAY)}." in " ".join(shown.replace("│", " ").split())
