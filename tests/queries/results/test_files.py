"""Result files: written in batches, seen when they are whole, read by seeking."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from penstock.kit import errors
from penstock.queries.results.columns import Column, Kind
from penstock.queries.results.models import StoredFile
from penstock.queries.results.objects import Directory
from penstock.queries.results.reading import ResultFiles
from penstock.queries.results.writing import ResultWriter

pytestmark = pytest.mark.anyio
COLUMNS = [Column("n", Kind.INTEGER), Column("t", Kind.STRING)]
TYPES = [pa.int64(), pa.string()]


@pytest.fixture
def objects(tmp_path: Path) -> Directory:
    return Directory(tmp_path / "results")


def writer(objects: Directory, **limits: int) -> ResultWriter:
    return ResultWriter(objects, COLUMNS, TYPES, **{"most_rows": 10**9, "most_bytes": 10**12, **limits})


def arrays(start: int, count: int, text: str = "text") -> list[Any]:
    return [pa.array(range(start, start + count), pa.int64()), pa.array([text] * count, pa.string())]


def stored(objects: Directory, rows: int, **limits: int) -> StoredFile:
    with writer(objects, **limits) as out:
        for start in range(0, rows, 7000):
            if not out.write(arrays(start, min(7000, rows - start))):
                break
        return out.finish()


async def numbers(files: ResultFiles, file: StoredFile, start: int, count: int) -> list[int]:
    return [n for part in await files.page(file, start, count) for n in part.column(0).to_pylist()]


async def test_pages(objects: Directory) -> None:
    file, files = stored(objects, 20_000), ResultFiles(objects)
    assert file.rows == 20_000 and len(file.ends) > 4
    for start, count in (
        (0, 100),
        (4000, 200),
        (6990, 20),
        (19_950, 100),
        (20_000, 100),
        (10**15, 1),
        (5, 0),
    ):
        expected = list(range(start, min(start + count, 20_000)))
        assert await numbers(files, file, start, count) == expected
    seen = [n async for part in files.batches(file) for n in part.column(0).to_pylist()]
    assert seen == list(range(20_000))
    assert (await files.schema(file)).names == ["n", "t"]


async def test_nothing(objects: Directory) -> None:
    with writer(objects) as out:
        file = out.finish()
    files = ResultFiles(objects)
    assert (file.rows, file.ends) == (0, ())
    assert await files.page(file, 0, 100) == []
    assert [part async for part in files.batches(file)] == []


async def test_bytes_as_they_are_stored(objects: Directory, tmp_path: Path) -> None:
    file, files = stored(objects, 100), ResultFiles(objects)
    whole = (tmp_path / "results" / file.name).read_bytes()
    assert len(whole) == file.size
    assert b"".join([piece async for piece in files.pieces(file, 0, file.size)]) == whole
    assert b"".join([piece async for piece in files.pieces(file, 10, 50)]) == whole[10:50]
    assert pa.ipc.open_file(pa.BufferReader(whole)).read_all().num_rows == 100


def test_it_is_cut_off(objects: Directory) -> None:
    file = stored(objects, 20_000, most_rows=12_345)
    assert (file.rows, file.truncated) == (12_345, True)
    whole = stored(objects, 7000, most_rows=7000)
    assert (whole.rows, whole.truncated) == (7000, False)
    small = stored(objects, 100_000, most_bytes=200_000)
    assert small.truncated and small.size < 1_000_000 and 0 < small.rows < 100_000


def test_batches_are_small(objects: Directory) -> None:
    with writer(objects) as out:
        out.write(arrays(0, 1000, "x" * 10_000))
        file = out.finish()
    assert len(file.ends) > 15


def test_half_of_one_is_never_seen(objects: Directory, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), writer(objects) as out:
        out.write(arrays(0, 10))
        assert [path.suffix for path in (tmp_path / "results").iterdir()] == [".part"]
        raise RuntimeError
    assert list((tmp_path / "results").iterdir()) == []


async def test_what_is_gone(objects: Directory) -> None:
    file, files = stored(objects, 10), ResultFiles(objects)
    objects.delete(file.name)
    objects.delete(file.name)
    with pytest.raises(errors.NotFound):
        await files.page(file, 0, 1)


def test_what_a_dead_process_left(objects: Directory, tmp_path: Path) -> None:
    file = stored(objects, 10)
    left = tmp_path / "results" / "half.arrow.part"
    left.write_bytes(b"half")
    for path in (left, tmp_path / "results" / file.name):
        os.utime(path, (time.time() - 1000, time.time() - 1000))
    young = stored(objects, 10)
    assert objects.old(500) == [file.name]
    assert not left.exists()
    assert {path.name for path in (tmp_path / "results").iterdir()} == {file.name, young.name}
