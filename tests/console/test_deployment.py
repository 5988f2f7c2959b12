import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_console.deployment import Deployment, host_label, toml
from vedette_schemas import SettingsError
from vedette_transport import BrokerAddress

from tests import brokers


def deployment(folder: Path, *, listed: str = "list.csv") -> Deployment:
    return Deployment(
        folder=folder,
        host="host-7",
        broker=BrokerAddress(port=brokers.free_port()),
        lists=(Path(listed),),
        ca_port=brokers.free_port(),
    )


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), TEXT | st.integers(0, 9) | st.lists(TEXT, max_size=3))
)
def test_settings_read_back_as_they_were_written(values: dict[str, object]) -> None:
    nested = {**values, "table": {"in it": dict(values), **values}}
    assert tomllib.loads(toml(nested)) == nested


@pytest.mark.parametrize("name", ["😀", "blank in it", 'quo"te', "\x7f", "back\\slash"])
def test_a_folder_of_any_name_will_do(tmp_path: Path, name: str) -> None:
    deployment(tmp_path / name, listed=f"{name}.csv").prepare()
    settings = tomllib.loads((tmp_path / name / "analyzer.toml").read_text())
    assert settings["lists"] == [str(Path.cwd() / f"{name}.csv")]


def test_each_program_spools_under_the_folder_wherever_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    deployment(Path("run")).prepare()
    for program in ("sensor", "enforcer"):
        settings = tomllib.loads((tmp_path / "run" / f"{program}.toml").read_text())
        assert settings["spool"] == str(tmp_path / "run" / f"{program}-host-7-spool.db")


def test_a_folder_that_is_not_text_is_refused_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="UTF-8"):
        deployment(tmp_path / os.fsdecode(b"\xff")).prepare()


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o777)
    with pytest.raises(SettingsError, match="chmod go-w"):
        deployment(tmp_path / "run").prepare()


def test_settings_are_written_through_no_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "sensor.toml").symlink_to(victim)
    deployment(tmp_path / "run").prepare()
    assert victim.read_text() == "precious"
    assert tomllib.loads((tmp_path / "run" / "sensor.toml").read_text())["socket"] == "sensor.sock"


def test_one_folder_serves_one_at_a_time(tmp_path: Path) -> None:
    first = deployment(tmp_path / "run").lock()
    assert first is not None
    with pytest.raises(SettingsError, match="another 'vedette up' runs there"):
        deployment(tmp_path / "run").lock()
    os.close(first)
    again = deployment(tmp_path / "run").lock()
    assert again is not None
    os.close(again)


@pytest.mark.parametrize(
    ("name", "label"),
    [("Host-7.lan", "host-7"), ("büro", "b-ro"), ("", "host"), ("0", "host"), ("-_-", "host")],
)
def test_any_machines_name_becomes_a_label(monkeypatch: pytest.MonkeyPatch, name: str, label: str) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: name)
    assert host_label() == label
