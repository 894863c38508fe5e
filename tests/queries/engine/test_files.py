"""Files as data sources: the same rows whatever kind they are, and none outside the directories that are listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.queries.engine.conftest import VISITS, Elsewhere

pytestmark = pytest.mark.anyio
KINDS = ("parquet", "csv", "sqlite", "duckdb")


def path_of(kind: str) -> str:
    return f"visits.{kind}"


def reference() -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for one in VISITS:
        if one["minutes"] > 10:
            row = found.setdefault(one["person"], {"person": one["person"], "n": 0, "m": 0, "p": 0.0})
            row["n"] += 1
            row["m"] += one["minutes"]
            row["p"] += float(one["price"])
    return [found[key] for key in sorted(found)]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind(elsewhere: Elsewhere, filled: Path, kind: str) -> None:
    source = await elsewhere.add("Visits", kind, path=path_of(kind))
    rows = await elsewhere.rows(
        source,
        "SELECT v.person, count(*) AS n, sum(v.minutes) AS m, sum(v.price) AS p FROM visits v "
        "WHERE v.minutes > 10 GROUP BY v.person ORDER BY 1",
    )
    assert rows == reference()
    (found,) = await elsewhere.rows(source, "SELECT count(*) AS n, count(day) AS days FROM visits")
    assert found == {"n": 40, "days": 32}
    first, *_ = await elsewhere.rows(source, "SELECT * FROM visits ORDER BY minutes LIMIT 1")
    assert first == {"person": 2, "minutes": 1, "price": 0.25, "day": "2024-03-01"}
    schema = (await elsewhere.client.get(f"/api/data_sources/{source}/schema")).json()["schema"]
    assert [one["name"] for one in schema] == ["main.visits" if kind == "duckdb" else "visits"]
    assert [one["name"] for one in schema[0]["columns"]] == ["person", "minutes", "price", "day"]
    checked = (await elsewhere.client.post(f"/api/data_sources/{source}/test")).json()
    assert checked == {"ok": True, "message": "success"}


async def test_joined_with_each_other(elsewhere: Elsewhere, filled: Path) -> None:
    for kind in KINDS:
        await elsewhere.add(kind, kind, path=path_of(kind))
    source = await elsewhere.add("All", "results")
    (row,) = await elsewhere.rows(
        source,
        "SELECT count(*) AS n, sum(a.minutes * b.minutes) AS m FROM parquet.visits a JOIN csv.visits b USING (minutes) "
        "JOIN sqlite.visits c USING (minutes) JOIN duckdb.visits d USING (minutes) WHERE c.person < 5",
    )
    wanted = [one["minutes"] ** 2 for one in VISITS if one["person"] < 5]
    assert row == {"n": len(wanted), "m": sum(wanted)}


@pytest.mark.parametrize(
    "path",
    [
        "../secret.csv",
        "/etc/passwd",
        "link.csv",
        "inside",
        "..",
        "missing.csv",
        "s3:/x",
        "file:///etc/passwd",
    ],
)
async def test_no_way_out(elsewhere: Elsewhere, files: Path, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (files / "link.csv").symlink_to(tmp_path / "secret.csv")
    (files / "inside").mkdir()
    (files / "inside" / "also.csv").symlink_to(tmp_path / "secret.csv")
    source = await elsewhere.add("Secret", "csv", path=path)
    checked = (await elsewhere.client.post(f"/api/data_sources/{source}/test")).json()
    assert checked["ok"] is False and "secret" not in checked["message"].replace(path, "")
    assert "1" not in await elsewhere.failed(source, "SELECT * FROM secret")
    refused = await elsewhere.client.get(f"/api/data_sources/{source}/schema")
    assert refused.status_code == 400


async def test_values_that_lie(elsewhere: Elsewhere, files: Path) -> None:
    """SQLite keeps what it is given; a column holds what it declares, or is an error."""
    import sqlite3

    connection = sqlite3.connect(files / "odd.sqlite")
    connection.execute("CREATE TABLE odd (n INTEGER, t TEXT)")
    connection.execute("INSERT INTO odd VALUES ('many', 'x')")
    connection.commit()
    connection.close()
    source = await elsewhere.add("Odd", "sqlite", path="odd.sqlite")
    assert "does not fit its declared type" in await elsewhere.failed(source, "SELECT n FROM odd")
    assert await elsewhere.rows(source, "SELECT t FROM odd") == [{"t": "x"}]


async def test_what_is_wrong_is_said(elsewhere: Elsewhere, filled: Path) -> None:
    (filled / "broken.parquet").write_bytes(b"PAR1 not")
    source = await elsewhere.add("Visits", "parquet", path="visits.parquet")
    assert "There is no table 'visit'" in await elsewhere.failed(source, "SELECT 1 FROM visit")
    assert "nope" in await elsewhere.failed(source, "SELECT nope FROM visits")
    broken = await elsewhere.add("Broken", "parquet", path="broken.parquet")
    assert "broken" in await elsewhere.failed(broken, "SELECT * FROM broken")
