from __future__ import annotations

import stat
from pathlib import Path

import pytest

from penstock_sdk import Client, ConfigurationError
from penstock_sdk._config import (
    DEFAULT_URL,
    Profile,
    load_profiles,
    login_of_environment,
    profile_path,
    resolve,
    save_profile,
)


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("PENSTOCK_URL", "PENSTOCK_KEY", "PENSTOCK_PROFILE", "PENSTOCK_EMAIL", "PENSTOCK_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def test_without_anything_it_is_loopback_and_nobody() -> None:
    assert (resolve().url, resolve().key) == (DEFAULT_URL, None)


def test_a_profile_is_saved_for_its_owner_only(tmp_path: Path) -> None:
    path = save_profile("work", Profile(url="https://a.example/", key="k1", user="ann"))
    assert path == profile_path() == tmp_path / "penstock" / "profiles.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    save_profile("home", Profile(url="https://b.example", key="k2"))
    saved = load_profiles()
    assert sorted(saved.profiles) == ["home", "work"]
    assert saved.current == "home"
    assert [entry.name for entry in path.parent.iterdir()] == ["profiles.json"]


def test_order_of_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    save_profile("p", Profile(url="https://a.example/", key="saved"))
    assert (resolve().url, resolve().key) == ("https://a.example", "saved")
    monkeypatch.setenv("PENSTOCK_KEY", "from-env")
    assert resolve().key == "from-env"
    monkeypatch.setenv("PENSTOCK_URL", "https://env.example")
    assert resolve().url == "https://env.example"
    assert (resolve(profile="p").url, resolve(profile="p").key) == ("https://a.example", "saved")
    assert resolve("https://arg.example", "given").key == "given"


def test_a_saved_key_is_shown_to_its_own_server_only() -> None:
    save_profile("p", Profile(url="https://a.example", key="saved"))
    assert resolve("https://other.example").key is None
    assert resolve("https://a.example/").key == "saved"


def test_a_profile_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    save_profile("p", Profile(url="https://a.example"))
    with pytest.raises(ConfigurationError, match=r"no profile 'q'; saved profiles: p"):
        resolve(profile="q")
    monkeypatch.setenv("PENSTOCK_PROFILE", "r")
    with pytest.raises(ConfigurationError, match="no profile 'r'"):
        resolve()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "penstock").mkdir()
    (tmp_path / "penstock" / "profiles.json").write_text("{")
    with pytest.raises(ConfigurationError, match="damaged"):
        load_profiles()


def test_login_of_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert login_of_environment() is None
    monkeypatch.setenv("PENSTOCK_EMAIL", "a@example.com")
    monkeypatch.setenv("PENSTOCK_PASSWORD", "secret")
    assert login_of_environment() == ("a@example.com", "secret")


@pytest.mark.parametrize(
    "arguments", [{"email": "a"}, {"password": "a"}, {"key": "k", "email": "a", "password": "b"}]
)
def test_half_a_login_is_refused(arguments: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        Client("http://127.0.0.1:1", **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["localhost:5001", "ftp://a", "http://", ""])
def test_an_address_without_scheme_or_host_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="address"):
        Client(url, key="k")
