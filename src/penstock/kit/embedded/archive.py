"""The one file of a backup: a tar archive that can be written while its parts are still being made.

Its last member, `manifest.json`, says what the others are and carries their SHA-256; a file without it was
cut off.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from .failure import ClusterError

MANIFEST = "manifest.json"
FORMAT = 1
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    `about` is the caller's; `database` has name, owner and server_version; `roles` and `memberships` are rows
    of the catalogs, `strangers` names of other roles; `members` maps the name of a part to its size and sum.
    """

    created: str
    about: Mapping[str, str]
    database: Mapping[str, str]
    roles: list[dict[str, Any]]
    memberships: list[dict[str, Any]]
    strangers: list[str]
    members: Mapping[str, Mapping[str, Any]]

    def text(self) -> str:
        fields = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({"format": FORMAT, **fields}, indent=2, ensure_ascii=False) + "\n"


class Writer:
    """Writes members one after the other to a seekable file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.members: dict[str, dict[str, Any]] = {}

    def add(self, name: str, produce: Callable[[IO[bytes]], None]) -> None:
        """Add a member of unknown size: room for a header, what `produce` writes, then the header."""
        start = self._file.tell()
        self._file.write(bytes(tarfile.BLOCKSIZE))
        body = _Summing(self._file)
        produce(body)  # type: ignore[arg-type]  # it can be written to, and no more is asked of it
        self._file.write(bytes(-body.size % tarfile.BLOCKSIZE))
        end = self._file.tell()
        header = tarfile.TarInfo(name)
        header.size, header.mode, header.mtime = body.size, 0o600, int(time.time())
        self._file.seek(start)
        self._file.write(header.tobuf(tarfile.GNU_FORMAT))
        self._file.seek(end)
        self.members[name] = {"size": body.size, "sha256": body.sum.hexdigest()}

    def add_bytes(self, name: str, content: bytes) -> None:
        def produce(body: IO[bytes]) -> None:
            body.write(content)

        self.add(name, produce)

    def finish(self) -> None:
        """Two empty blocks end an archive."""
        self._file.write(bytes(2 * tarfile.BLOCKSIZE))


class _Summing(io.RawIOBase):
    """Counts and sums what is written through it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0
        self.sum = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, block: Any, /) -> int:
        self.size += len(block)
        self.sum.update(block)
        return self._file.write(block)


class Reader:
    """An open backup."""

    def __init__(self, path: Path) -> None:
        """Open a backup and read its manifest; raises `ClusterError` when it is none, or not whole."""
        self.path = path
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise ClusterError(f"The backup {path} cannot be read: {error.strerror}.") from error
        try:
            self._tar = tarfile.open(fileobj=self._file, mode="r:")  # noqa: SIM115  # see `close`
            self.manifest = self._manifest()
        except tarfile.TarError as error:
            self._file.close()
            raise ClusterError(f"{path} is not a backup, or is damaged: {error}.") from error
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        self._file.close()

    def blocks(self, name: str) -> Iterator[bytes]:
        """The content of a member."""
        info = self._tar.getmember(name)
        self._file.seek(info.offset_data)
        left = info.size
        while left:
            block = self._file.read(min(BLOCK, left))
            if not block:
                raise ClusterError(f"The backup {self.path} ends in the middle of {name}.")
            left -= len(block)
            yield block

    def verify(self) -> None:
        """Read everything and compare sizes and sums."""
        present = sorted(name for name in self._tar.getnames() if name != MANIFEST)
        if present != sorted(self.manifest.members):
            raise ClusterError(
                f"The backup {self.path} is damaged: its parts are not those its manifest names."
            )
        for name, expected in self.manifest.members.items():
            digest = hashlib.sha256()
            for block in self.blocks(name):
                digest.update(block)
            if digest.hexdigest() != expected["sha256"]:
                raise ClusterError(f"The backup {self.path} is damaged: {name} differs from its checksum.")

    def _manifest(self) -> Manifest:
        if MANIFEST not in self._tar.getnames():
            raise ClusterError(f"The backup {self.path} is not complete: it has no {MANIFEST}.")
        try:
            fields: dict[str, Any] = json.loads(b"".join(self.blocks(MANIFEST)))
            made = fields.pop("format")
            if made != FORMAT:
                raise ClusterError(f"The backup {self.path} has format {made}; this release reads {FORMAT}.")
            manifest = Manifest(**fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ClusterError(f"The backup {self.path} is damaged: its manifest cannot be read.") from error
        for name in manifest.members:
            safe_name(name)
        return manifest


def safe_name(name: str) -> str:
    """A name inside a directory; raises `ClusterError` for one that leads out of it."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or any(part in ("..", ".") for part in parts) or "\0" in name:
        raise ClusterError(f"A backup holds no file named {name!r}.")
    return name
