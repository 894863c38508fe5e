"""Files in buckets as data sources: read with a key, joined with tables of ours, and clear about what is wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from penstock.connectors import CheckFailed, csv_files, parquet_files
from penstock.connectors.kinds import buckets
from penstock.kit.outbound import OutboundSettings
from tests.queries.engine.conftest import VISITS, Elsewhere
from tests.s3 import asking_for_keys, emulator, put

__all__ = ["emulator"]
pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Lake:
    """The bucket `lake`, with `visits` below `tables/` as both kinds, and the key to it."""

    endpoint: str
    key: str
    secret: str

    def options(self, path: str = "s3://lake/tables", **more: str) -> dict[str, Any]:
        key = {"access_key_id": self.key, "secret_access_key": self.secret}
        return {"path": path, "endpoint": self.endpoint, **key, **more}


@pytest.fixture
def lake(emulator: str, filled: Path) -> Iterator[Lake]:
    put(emulator, "lake")
    put(emulator, "lake/tables/notes.txt", b"no table")
    for kind in ("csv", "parquet"):
        data = (filled / f"visits.{kind}").read_bytes()
        for place in ("tables", "tables/deeper", "odd%20%2B%3D%26%C3%BC"):
            put(emulator, f"lake/{place}/visits.{kind}", data)
    with asking_for_keys(emulator) as (key, secret):
        yield Lake(emulator, key, secret)


async def said(elsewhere: Elsewhere, kind: str, options: dict[str, Any], table: str = "visits") -> str:
    """Why it cannot be read, which the schema, the check and the query agree on; without secrets."""
    name = f"{kind} {len((await elsewhere.client.get('/api/data_sources')).json())}"
    source = await elsewhere.add(name, kind, **options)
    refused = await elsewhere.client.get(f"/api/data_sources/{source}/schema")
    assert refused.status_code == 400, refused.text
    checked = (await elsewhere.client.post(f"/api/data_sources/{source}/test")).json()
    assert checked == {"ok": False, "message": refused.json()["message"]}
    assert await elsewhere.failed(source, f"SELECT * FROM {table}") == checked["message"]
    for name in ("access_key_id", "secret_access_key"):
        assert options.get(name, "nothing") not in refused.text
    return checked["message"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
async def test_read_with_a_key(elsewhere: Elsewhere, lake: Lake, kind: str) -> None:
    source = await elsewhere.add("Lake", kind, **lake.options())
    schema = (await elsewhere.client.get(f"/api/data_sources/{source}/schema")).json()["schema"]
    assert [one["name"] for one in schema] == ["visits"]
    assert [one["name"] for one in schema[0]["columns"]] == ["person", "minutes", "price", "day"]
    checked = (await elsewhere.client.post(f"/api/data_sources/{source}/test")).json()
    assert checked == {"ok": True, "message": "success"}
    rows = await elsewhere.rows(
        source, "SELECT count(*) AS n, sum(minutes) AS m, count(day) AS d FROM visits"
    )
    assert rows == [{"n": 40, "m": 820, "d": 32}]
    rows = await elsewhere.rows(
        elsewhere.asking.source,
        "SELECT p.id, count(*) AS n, sum(v.minutes) AS m FROM people p JOIN lake.visits v ON v.person = p.id "
        "GROUP BY p.id ORDER BY p.id LIMIT 2",
    )
    mine = [[one["minutes"] for one in VISITS if one["person"] == n] for n in (1, 2)]
    assert rows == [{"id": n, "n": len(one), "m": sum(one)} for n, one in enumerate(mine, 1)]
    for path in (
        f"s3://lake/tables/visits.{kind}",
        "s3://lake/odd +=&ü/",
        f"s3://lake/odd +=&ü/visits.{kind}",
    ):
        changed = await elsewhere.client.post(
            f"/api/data_sources/{source}", json={"options": lake.options(path)}
        )
        assert changed.status_code == 200, changed.text
        assert await elsewhere.rows(source, "SELECT count(*) AS n FROM visits") == [{"n": 40}]


async def test_what_is_wrong_is_said(elsewhere: Elsewhere, lake: Lake) -> None:
    at = f"at {lake.endpoint}"
    for kind, options, message in (
        ("csv", lake.options("s3://lakes/tables"), f"There is no bucket 'lakes' {at}."),
        ("parquet", lake.options("s3://lakes/a.parquet"), f"There is no bucket 'lakes' {at}."),
        ("csv", lake.options("s3://lake/none.csv"), "There is no object 'none.csv' in the bucket 'lake'."),
        ("parquet", lake.options("s3://lake/none"), "There is no .parquet file at 's3://lake/none'."),
        (
            "csv",
            lake.options(access_key_id="AKIAUNKNOWN"),
            f"The object store {at} does not know this access_key_id.",
        ),
        (
            "parquet",
            lake.options(secret_access_key="of somebody else"),
            f"The object store {at} refuses the key: the secret_access_key is not that of the access_key_id.",
        ),
        (
            "csv",
            lake.options(endpoint="http://127.0.0.1:1"),
            "No object store answers at http://127.0.0.1:1.",
        ),
    ):
        assert await said(elsewhere, kind, options) == message


async def test_places_that_are_none(elsewhere: Elsewhere) -> None:
    place = {"path": "s3://lake/tables", "endpoint": "http://127.0.0.1:1"}
    source = await elsewhere.add("Lake", "csv", **place)
    address, key = "is not the address of an object store", {"access_key_id": "A"}
    for changes, words in (
        ({"path": "s3://lake/../x.csv"}, "The path of an object has no '.' and '..' in it."),
        ({"path": "s3://Lake"}, "'Lake' is not the name of a bucket."),
        ({"region": "a/b"}, "'a/b' is not the name of a region."),
        ({"endpoint": "http://169.254.169.254"}, "may not go to"),
        *(({"endpoint": one}, address) for one in ("ftp://x", "http://h:99999", "http://[x", "nowhere")),
        *(({"endpoint": one}, address) for one in ("http://u@h", "http://h/x", "http://h?y")),
        (key, "go together"),
    ):
        path = f"/api/data_sources/{source}"
        assert (await elsewhere.client.post(path, json={"options": {**place, **changes}})).status_code == 200
        refused = await elsewhere.client.get(f"{path}/schema?refresh=true")
        assert refused.status_code == 400 and words in refused.json()["message"], refused.text
    for value in ("two words", "ü", "line\n"):
        options = {**place, "access_key_id": value, "secret_access_key": "b"}
        answer = await elsewhere.client.post(
            "/api/data_sources", json={"name": "x", "type": "csv", "options": options}
        )
        assert answer.status_code == 400 and "access_key_id" in answer.text


async def test_without_a_key(elsewhere: Elsewhere, emulator: str) -> None:
    put(emulator, "open")
    put(emulator, "open/given.csv", b"a,b\n1,x\n", "public-read")
    put(emulator, "open/kept/secret.csv", b"a,b\n1,x\n")
    put(emulator, "open/empty/empty.csv", b"", "public-read")
    source = await elsewhere.add("Given", "csv", path="s3://open", endpoint=emulator)
    assert await elsewhere.rows(source, "SELECT a, b FROM given") == [{"a": 1, "b": "x"}]
    closed = f"The bucket 'open' at {emulator} is closed to those without a key."
    for path in ("s3://open/kept", "s3://open/kept/secret.csv"):
        assert await said(elsewhere, "csv", {"path": path, "endpoint": emulator}, "secret") == closed
    empty = {"path": "s3://open/empty/empty.csv", "endpoint": emulator}
    assert "cannot be read" in await said(elsewhere, "csv", empty, "empty")


async def test_many_files_in_pages(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "_KEYS", 1)
    bucket = await buckets.bucket_at("lake", None, lake.endpoint, (lake.key, lake.secret), OutboundSettings())
    found = [one.key for one in bucket.listed("tables/", ".parquet", 10)]
    assert found == ["tables/visits.parquet"]
    found = [one.key for one in bucket.listed("tables/", "", 10)]
    assert found == ["tables/notes.txt", "tables/visits.csv", "tables/visits.parquet"]
    assert len(bucket.listed("tables/", "", 2)) == 2
    assert lake.secret not in repr(bucket) and lake.key not in repr(bucket)


@pytest.mark.parametrize("kind", [csv_files, parquet_files])
async def test_a_file_that_changes_meanwhile(
    emulator: str, filled: Path, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read whole, or not at all."""
    name = f"visits.{kind.KIND.name}"
    content = (filled / name).read_bytes()
    put(emulator, "lake")
    put(emulator, f"lake/changing/{name}", content, "public-read")
    settings = kind.KIND.settings(path="s3://lake/changing", endpoint=emulator)
    (file,) = await kind.tables(settings, kind.KIND.secrets(), OutboundSettings())
    monkeypatch.setattr(buckets, "_PIECE", 64)
    monkeypatch.setattr(buckets, "_AT_ONCE", 50)
    assert sum(one.num_rows for one in kind.read(file, settings, None)) == 40
    put(emulator, f"lake/changing/{name}", content + b"1,2,3,\n", "public-read")
    with pytest.raises(CheckFailed, match="has another file there by now"):
        list(kind.read(file, settings, None))
    monkeypatch.setattr(buckets, "_LARGEST", 10)
    with pytest.raises(CheckFailed, match="too large"):
        list(kind.read(file, settings, None))


class _Elsewhere(BaseHTTPRequestHandler):
    """Sends everybody to another place, as what is no object store may."""

    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_response(302)
        self.send_header("Location", "/secret")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


async def test_nobody_is_followed_elsewhere(elsewhere: Elsewhere) -> None:
    with HTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        message = await said(elsewhere, "csv", {"path": "s3://lake/visits.csv", "endpoint": endpoint})
        server.shutdown()
    assert message == f"The object store at {endpoint} answers with 302."
    assert set(_Elsewhere.seen) == {"/lake/visits.csv"}
