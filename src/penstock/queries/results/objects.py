"""Where result files are: a directory of this machine, or a bucket that several machines reach.

A file is written aside and put in its place when it is whole, so that half of one is never seen.
"""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from penstock.kit.settings import SettingError

_PIECE = 1024 * 1024
_PART = ".part"
# Options of the connection, and not of the bucket.
_OF_CLIENT = frozenset(
    {
        "allow_http",
        "allow_invalid_certificates",
        "connect_timeout",
        "timeout",
        "proxy_url",
        "proxy_ca_certificate",
    }
)


class Objects(Protocol):
    """Files by name; every call blocks."""

    # Reading takes next to no time, and needs no thread of its own.
    near: bool

    def scratch(self, name: str) -> Path:
        """Where a file is written before it is put."""
        ...

    def put(self, name: str) -> None: ...

    def open(self, name: str) -> Any:
        """A file for Arrow. Raises `FileNotFoundError`."""
        ...

    def read(self, name: str, start: int, end: int) -> Iterator[bytes]: ...

    def delete(self, name: str) -> None: ...

    def old(self, seconds: float) -> list[str]:
        """The names of files that are at least so old."""
        ...


class Directory:
    """A directory. Files are read and not mapped: what is mapped counts as memory of the process."""

    near = True

    def __init__(self, path: Path) -> None:
        self._path = path

    def scratch(self, name: str) -> Path:
        return _part(self._path, name)

    def put(self, name: str) -> None:
        self.scratch(name).rename(self._path / name)

    def open(self, name: str) -> Any:
        import pyarrow as pa

        return pa.OSFile(str(self._path / name), "rb")

    def read(self, name: str, start: int, end: int) -> Iterator[bytes]:
        with (self._path / name).open("rb") as file:
            file.seek(start)
            while start < end:
                piece = file.read(min(_PIECE, end - start))
                if not piece:
                    raise EOFError(name)
                start += len(piece)
                yield piece

    def delete(self, name: str) -> None:
        (self._path / name).unlink(missing_ok=True)

    def old(self, seconds: float) -> list[str]:
        _sweep(self._path, seconds)
        return [path.name for path in _older(self._path, seconds)]


class Bucket:
    """A bucket behind `obstore`; files are written into a directory of this machine first."""

    near = False

    def __init__(self, url: str, options: Mapping[str, str], aside: Path) -> None:
        self._store = _store(url, options)
        self._aside = aside

    def scratch(self, name: str) -> Path:
        return _part(self._aside, name)

    def put(self, name: str) -> None:
        import obstore

        path = self.scratch(name)
        obstore.put(self._store, name, path)
        path.unlink()

    def open(self, name: str) -> Any:
        import obstore
        import pyarrow as pa

        return pa.PythonFile(_Reader(obstore.open_reader(self._store, name, buffer_size=_PIECE)), mode="r")

    def read(self, name: str, start: int, end: int) -> Iterator[bytes]:
        import obstore

        while start < end:
            until = min(start + 4 * _PIECE, end)
            yield bytes(obstore.get_range(self._store, name, start=start, end=until))
            start = until

    def delete(self, name: str) -> None:
        import obstore

        with suppress(FileNotFoundError):
            obstore.delete(self._store, name)

    def old(self, seconds: float) -> list[str]:
        import obstore

        _sweep(self._aside, seconds)
        before = time.time() - seconds
        pages: Any = obstore.list(self._store)
        return [one["path"] for page in pages for one in page if one["last_modified"].timestamp() < before]


def _store(url: str, options: Mapping[str, str]) -> Any:
    """Raises `SettingError` for what the library does not know."""
    from obstore.store import from_url

    make: Any = from_url
    of_client = {name: _flag(text) for name, text in options.items() if name in _OF_CLIENT}
    own = {name: text for name, text in options.items() if name not in _OF_CLIENT}
    try:
        return make(url, config=own, client_options=of_client)
    except BaseException as error:
        # What it is not prepared for comes as a panic, which is no `Exception`.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise SettingError(
                f"The bucket of results_url and results_options cannot be used: {error}."
            ) from error
        raise


def _flag(text: str) -> Any:
    return {"true": True, "false": False}.get(text.lower(), text)


class _Reader:
    """A file of the store as Arrow asks for it."""

    closed = False

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return bytes(self._file.read(None if size < 0 else size))

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def size(self) -> int:
        return self._file.size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def close(self) -> None:
        self._file.close()


def _part(directory: Path, name: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{name}{_PART}"


def _older(directory: Path, seconds: float) -> list[Path]:
    if not directory.exists():
        return []
    before = time.time() - seconds
    return [path for path in directory.iterdir() if path.stat().st_mtime < before]


def _sweep(directory: Path, seconds: float) -> None:
    """What was being written when a process died."""
    for path in _older(directory, seconds):
        if path.name.endswith(_PART):
            path.unlink(missing_ok=True)


def open_objects(url: str | None, options: tuple[str, ...], data_dir: Path) -> Objects:
    """What a setting names."""
    if url is None:
        return Directory(data_dir / "results")
    if url.startswith(("/", "file://")):
        return Directory(Path(url.removeprefix("file://")))
    named = dict(one.split("=", 1) for one in options)
    return Bucket(url, named, data_dir / "results")
