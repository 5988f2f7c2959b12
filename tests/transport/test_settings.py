from pathlib import Path

import pytest
from vedette_schemas import SettingsError
from vedette_transport import BrokerAddress, FilePath, Settings, load_settings


class _Settings(Settings):
    name: str
    broker: BrokerAddress = BrokerAddress()
    file: FilePath = Path("file")


def loaded(path: Path, text: str) -> _Settings:
    path.write_text(text, "utf-8")
    return load_settings(_Settings, path)


def test_settings_are_read_with_their_defaults(tmp_path: Path) -> None:
    settings = loaded(tmp_path / "a.toml", 'name = "x"\n[broker]\nport = 99')
    assert (settings.name, str(settings.broker)) == ("x", "127.0.0.1:99")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "not TOML"),
        ("name = 1", "'name'"),
        ("", "'name': Field required"),
        ('name = "x"\nnmae = 1', "unknown setting 'nmae'; known are broker, file, name"),
        ('name = "x"\nfile = "/"', "/ is a folder: name a file"),
        ('name = "x"\n[broker]\nport = 70000', "'broker.port'"),
        ('name = "x"\n[broker]\nprot = 7', "unknown setting 'broker.prot'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_that_names_the_file(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path / "a.toml", text)
    assert str(refused.value).startswith(f"{tmp_path / 'a.toml'}: ")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_and_one_that_is_not_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load_settings(_Settings, tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not TOML"):
        load_settings(_Settings, tmp_path / "b.toml")


@pytest.mark.parametrize("text", ["", "host", "host:", "host:x", "host:0", "host:70000", ":1883"])
def test_what_is_no_brokers_address_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="HOST:PORT"):
        BrokerAddress.parse(text)


def test_addresses_of_either_kind_are_read() -> None:
    assert BrokerAddress.parse("127.0.0.1:1883") == BrokerAddress(host="127.0.0.1", port=1883)
    assert BrokerAddress.parse("[::1]:1883") == BrokerAddress(host="::1", port=1883)
    assert BrokerAddress.parse("host:1883", plain=True).plain
