"""Files by path or open, in and out, by the client."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from penstock_sdk import AppHandle, AsyncClient, BadRequestError, Records
from penstock_sdk._files import format_of, writing
from tests.conftest import RunningServer

pytestmark = pytest.mark.anyio


def test_a_file_goes_in_and_comes_out(people: Records, tmp_path: Path) -> None:
    source = tmp_path / "people.jsonl"
    source.write_bytes(b"".join(b'{"name": "n%d"}\n' % number for number in range(30_000)))
    sent: list[int] = []
    told = people.import_file(source, on_bytes=sent.append)
    assert (told.created, told.faults) == (30_000, [])
    assert sent == sorted(sent)
    assert sent[-1] == source.stat().st_size
    target = tmp_path / "out.csv"
    target.write_text("before")
    written: list[int] = []
    size = people.select("name").limit(2).export_file(target, on_bytes=written.append)
    assert target.read_text() == "id,name\n1,n0\n2,n1\n"
    assert written[-1] == size == target.stat().st_size
    opened = io.BytesIO()
    people.limit(1).select("name").export_file(opened, "ndjson")
    assert opened.getvalue() == b'{"id":1,"name":"n0"}\n'
    assert people.import_file(io.BytesIO(b"name;age\nx;-\n"), "csv", delimiter=";", nulls=["-"]).created == 1


def test_what_was_there_stays_when_an_export_fails(people: Records, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("before")
    with pytest.raises(BadRequestError):
        people.filter(nothing=1).export_file(target)
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_new_file_can_be_read_as_any_other(tmp_path: Path) -> None:
    with writing(tmp_path / "new") as file:
        file.write(b"x")
    (tmp_path / "other").touch()
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode
    with writing("/dev/null") as file:
        file.write(b"x")
    assert Path("/dev/null").is_char_device()


def test_formats_by_name() -> None:
    assert format_of("a.PARQUET", None) == "parquet"
    assert format_of(Path("a.csv"), "ndjson") == "ndjson"
    with pytest.raises(ValueError, match="cannot be told from its name"):
        format_of("a.xlsx", None)
    with pytest.raises(ValueError, match="needs a format"):
        format_of(io.BytesIO(), None)


async def test_the_asynchronous_client(
    server: RunningServer, app: AppHandle, people: Records, tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    source.write_text("name,age\nAnn,-1\nBob,2\n")
    async with AsyncClient(server.url, key=server.key) as client:
        table = client.app(app.slug).table(people._path.split("/")[-3])
        told = await table.records.import_file(source, on_error="quarantine")
        assert (told.created, told.quarantined) == (1, 1)
        (found,) = await table.quarantine.list().all()
        assert found.id == told.quarantine
        (row,) = await table.quarantine.rows(found.id).all()
        assert (row.row, row.data["name"], list(row.errors)) == (1, "Ann", ["age"])
        assert b"".join([piece async for piece in table.quarantine.export(found.id)]).count(b"\n") == 1
        await table.quarantine.delete(found.id)
        assert await table.quarantine.list().all() == []
        assert await table.records.select("name").export_file(tmp_path / "out.csv") == 14
    assert (tmp_path / "out.csv").read_text().endswith(",Bob\n")
