from __future__ import annotations

import pytest

from penstock.identity.store import QUERIES
from penstock.kit import statements


def test_statements_have_names_and_no_comments() -> None:
    assert "principal_by_digest" in QUERIES
    for text in QUERIES.values():
        assert text.strip()
        assert "--" not in text
        assert ";" not in text


def test_a_name_is_used_once(tmp_path, monkeypatch) -> None:
    package = tmp_path / "some_package_of_a_test"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "queries.sql").write_text(
        "-- name: a\n-- Prose.\nSELECT 1\n  -- why\nFROM x\n\n-- name: a\nSELECT 2\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match="names a twice"):
        statements.load("some_package_of_a_test")
    (package / "queries.sql").write_text("-- name: a\n-- Prose.\nSELECT 1\n  -- why\nFROM x\n")
    assert dict(statements.load("some_package_of_a_test")) == {"a": "SELECT 1\nFROM x"}
