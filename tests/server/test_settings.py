"""Settings: where they come from, which wins, and what is said when one is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.identity import IdentitySettings
from penstock.kit.settings import SettingError
from penstock.server.settings import ServerSettings, every_option, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(
        '[server]\nport = 1001\nworkers = 3\ntrusted_proxies = ["10.0.0.0/8"]\nrequest_timeout = 5\n'
        "[identity]\naccess_token_seconds = 77\n"
    )
    return path


def test_defaults() -> None:
    settings = load(environment={})
    assert settings.server == ServerSettings()
    assert settings.of(IdentitySettings) == IdentitySettings()
    assert settings.warnings == ()


def test_flags_win_over_environment_over_file_over_defaults(file: Path) -> None:
    environment = {"PENSTOCK_PORT": "1002", "PENSTOCK_WORKERS": "4", "PENSTOCK_CONFIG": str(file)}
    settings = load({"port": 1003, "host": None}, environment=environment).server
    assert (settings.port, settings.workers, settings.trusted_proxies) == (1003, 4, ("10.0.0.0/8",))
    assert (settings.request_timeout, settings.host) == (5.0, "127.0.0.1")
    assert load(environment=environment).server.port == 1002
    assert load(config=file, environment={}).server.port == 1001
    assert load(config=file, environment={}).of(IdentitySettings).access_token_seconds == 77


def test_the_file_in_the_data_directory(tmp_path: Path) -> None:
    (tmp_path / "penstock.toml").write_text("[server]\nport = 1004\n")
    assert load({"data_dir": tmp_path}, environment={}).server.port == 1004
    assert load(environment={"PENSTOCK_DATA_DIR": str(tmp_path)}).server.port == 1004


def test_kinds_of_values() -> None:
    settings = load(
        environment={
            "PENSTOCK_BODY_LIMIT": "1_000_000",
            "PENSTOCK_ACCESS_LOG": "off",
            "PENSTOCK_CORS_ORIGINS": "https://a.example, https://b.example",
            "PENSTOCK_STATEMENT_TIMEOUT": "2.5",
            "PENSTOCK_LOG_FORMAT": "console",
            "PENSTOCK_DATA_DIR": "/srv/data",
            "PENSTOCK_PUBLIC_URL": "https://data.example",
            "PENSTOCK_PORT": "",
        }
    ).server
    assert settings.body_limit == 1_000_000
    assert settings.access_log is False
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.statement_timeout == 2.5
    assert settings.data_dir == Path("/srv/data")
    assert settings.port == 5001


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PENSTOCK_PORT", "http", "PENSTOCK_PORT: 'http' is not a whole number."),
        ("PENSTOCK_PORT", "70000", "PENSTOCK_PORT: 70000 is not a port between 1 and 65535."),
        ("PENSTOCK_WORKERS", "0", "PENSTOCK_WORKERS: 0 must be 1 or more."),
        ("PENSTOCK_ACCESS_LOG", "perhaps", "PENSTOCK_ACCESS_LOG: 'perhaps' is not true or false."),
        ("PENSTOCK_LOG_LEVEL", "loud", "'loud' is not one of debug, info, warning, error."),
        ("PENSTOCK_REQUEST_TIMEOUT", "soon", "'soon' is not a number."),
        ("PENSTOCK_REQUEST_TIMEOUT", "nan", "must be 0.1 or more"),
        ("PENSTOCK_PUBLIC_URL", "data.example", "must begin with http:// or https://"),
        ("PENSTOCK_CONFIG", "/nowhere/x.toml", "The configuration file /nowhere/x.toml does not exist."),
    ],
)
def test_wrong_variables(name: str, value: str, sentence: str) -> None:
    with pytest.raises(SettingError) as caught:
        load(environment={name: value})
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[server]\nprot = 1", "[server] has no setting 'prot'. Did you mean 'port'?"),
        ("[sevrer]\nport = 1", "there is no section [sevrer]"),
        ('[server]\nport = "1"', "server.port: '1' is not a whole number."),
        ("[server]\nport = true", "server.port: True is not a whole number."),
        ("[server]\nworkers = 1.5", "server.workers: 1.5 is not a whole number."),
        ("[server]\ncors_origins = [1]", "is not a list of texts"),
        ("[server]\nhost = 1", "server.host: 1 is not a text."),
        ("[server]\ndatabase_url = 1", "server.database_url: the value is not a text."),
        ("server = 1", "[server] must be a table"),
        ("port = ", "is not valid TOML"),
    ],
)
def test_wrong_files(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(SettingError) as caught:
        load(config=path, environment={})
    assert sentence in str(caught.value)


def test_variables_that_nobody_reads() -> None:
    (warning,) = load(
        environment={"PENSTOCK_PROT": "1", "PENSTOCK_URL": "x", "PENSTOCK_TEST_X": "y"}
    ).warnings
    assert warning == (
        "The environment variable PENSTOCK_PROT is not a setting of Penstock. Did you mean 'PENSTOCK_PORT'?"
    )


def test_every_setting_is_documented_and_has_a_name_of_its_own() -> None:
    found = every_option()
    assert all(option.help.endswith((".", "`")) and len(option.help) > 10 for _, option in found)
    names = [option.variable for _, option in found]
    assert len(set(names)) == len(names)


def test_the_first_moments_need_the_server_section_only(file: Path) -> None:
    settings = load(config=file, environment={"PENSTOCK_WORKERS": "2"}, server_only=True)
    assert (settings.server.workers, settings.server.port) == (2, 1001)
    assert list(settings.sections) == [ServerSettings]


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[identity]\nadmin_key = 5\n")
    with pytest.raises(SettingError) as caught:
        load(config=path, environment={})
    message: Any = str(caught.value)
    assert "5 " not in message
