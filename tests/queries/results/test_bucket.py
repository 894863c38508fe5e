"""Results in a bucket: the same as in a directory, on the S3 of an emulator."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from penstock.kit import errors
from penstock.kit.settings import SettingError
from penstock.queries.results.objects import Objects, open_objects
from penstock.queries.results.reading import ResultFiles
from tests.queries.results.test_files import arrays, numbers, stored, writer
from tests.s3 import emulator

__all__ = ["emulator"]
pytestmark = pytest.mark.anyio


@pytest.fixture
def bucket(emulator: str, tmp_path: Path) -> Objects:
    options = (
        f"endpoint={emulator}",
        "region=us-east-1",
        "access_key_id=test",
        "secret_access_key=test",
        "allow_http=true",
    )
    return open_objects("s3://results/prefix", options, tmp_path)


async def test_a_result_in_a_bucket(bucket: Objects, tmp_path: Path) -> None:
    file, files = stored(bucket, 20_000), ResultFiles(bucket)  # type: ignore[arg-type]
    assert list((tmp_path / "results").iterdir()) == []
    for start, count in ((0, 100), (6990, 20), (19_950, 100), (20_000, 10)):
        assert await numbers(files, file, start, count) == list(range(start, min(start + count, 20_000)))
    seen = [n async for part in files.batches(file) for n in part.column(0).to_pylist()]
    assert seen == list(range(20_000))
    whole = b"".join([piece async for piece in files.pieces(file, 0, file.size)])
    assert len(whole) == file.size
    assert pa.ipc.open_file(pa.BufferReader(whole)).read_all().num_rows == 20_000
    assert bucket.old(0) == [file.name] and bucket.old(1000) == []
    bucket.delete(file.name)
    bucket.delete(file.name)
    with pytest.raises(errors.NotFound):
        await ResultFiles(bucket).page(file, 0, 1)


def test_nothing_is_put_of_what_broke_off(bucket: Objects) -> None:
    with pytest.raises(RuntimeError), writer(bucket) as out:  # type: ignore[arg-type]
        out.write(arrays(0, 10))
        raise RuntimeError
    assert bucket.old(0) == []


def test_options_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="results_options"):
        open_objects("s3://results", ("colour=red",), tmp_path)
