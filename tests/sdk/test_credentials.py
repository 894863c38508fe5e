from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from penstock_sdk import Client, ConflictError, NotFoundError, ValidationError
from penstock_sdk.cli import run
from tests.conftest import RunningServer

SETTINGS = {"host": "127.0.0.1", "port": 1, "database": "shop", "user": "reader"}


def test_the_client(client: Client) -> None:
    made = client.credentials.create(
        "Shop", "postgresql", settings=SETTINGS, secrets={"password": "s3cret"}, description="d"
    )
    assert made.settings == {**SETTINGS, "sslmode": "prefer"} and made.check_ok is None
    assert [one.name for one in client.credentials.list()] == ["Shop"]
    with pytest.raises(ConflictError):
        client.credentials.create("Shop", "postgresql", settings=SETTINGS, secrets={"password": "x"})
    with pytest.raises(ValidationError, match="must be given again"):
        client.credentials.update(made.id, settings={**SETTINGS, "host": "localhost"})
    found = client.credentials.check(made.id)
    assert not found.ok and "Nothing answers" in found.detail
    assert client.credentials.get(made.id).check_ok is False
    assert client.credentials.update(made.id, secrets={"password": "new"}).check_ok is None
    assert {"postgresql", "mongodb", "mysql"} <= {kind.kind for kind in client.credentials.kinds()}
    client.credentials.delete(made.id)
    with pytest.raises(NotFoundError):
        client.credentials.get(made.id)


def test_the_command_line(
    server: RunningServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PENSTOCK_URL", server.url)
    monkeypatch.setenv("PENSTOCK_KEY", server.key)

    def add(name: str, secret: str, *settings: str, kind: str = "postgresql") -> int:
        monkeypatch.setattr(sys, "stdin", io.StringIO(secret))
        flags = [flag for setting in settings for flag in ("--set", setting)]
        return run(["credentials", "add", name, kind, *flags, "--json"])

    given = ("host=127.0.0.1", "port=1", "database=shop", "user=reader")
    assert add("Line", "s3cret\n", *given) == 0
    printed: Any = json.loads(capfd.readouterr().out)
    assert printed["settings"]["port"] == 1 and "s3cret" not in json.dumps(printed)
    assert add("Second", '{"password": "s3cret"}', *given) == 0
    assert run(["credentials", "list"]) == 0
    assert "Second" in capfd.readouterr().out
    assert run(["credentials", "check", "Line"]) == 1
    assert "Nothing answers" in capfd.readouterr().err
    for name in ("Line", "Second"):
        assert run(["credentials", "remove", name]) == 0
    capfd.readouterr()
    for bad, sentence in (
        (lambda: add("x", "", *given), "secrets"),
        (lambda: add("x", "s", "host"), "name=value"),
        (lambda: add("x", "s", "port=five"), "whole number"),
        (lambda: add("x", "s", kind="oracle"), "not a kind"),
        (lambda: run(["credentials", "remove", "Line"]), "There is no credential"),
    ):
        assert bad() == 1
        assert sentence in capfd.readouterr().err
