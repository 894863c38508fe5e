"""Running the client programs of PostgreSQL, without showing passwords to other users."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from .failure import ClusterError
from .install import binaries


@dataclass(frozen=True, slots=True)
class Address:
    """A database address as libpq takes it; the password apart, for all can see a program's arguments."""

    url: str
    password: str

    @classmethod
    def parse(cls, dsn: str) -> Address:
        """Read `postgresql://…`; the name of a driver after a plus sign is dropped."""
        parts = urlsplit(dsn)
        scheme = parts.scheme.partition("+")[0]
        if scheme not in ("postgresql", "postgres"):
            raise ClusterError("A database address begins with postgresql://.")
        user, at, host = parts.netloc.rpartition("@")
        user, _, secret = user.partition(":")
        query = parse_qsl(parts.query, keep_blank_values=True)
        password = dict(query).get("password", unquote(secret))
        kept = urlencode([pair for pair in query if pair[0] != "password"], quote_via=quote, safe="/")
        return cls(urlunsplit((scheme, f"{user}{at}{host}", parts.path, kept, "")), password)

    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {**inherited, "PGPASSWORD": self.password, "PGAPPNAME": "penstock", "PGCLIENTENCODING": "UTF8"}


def psql(address: Address, script: str, variables: Sequence[tuple[str, str]] = ()) -> str:
    """Run a script; the result of its queries as bare text. `:'name'` in it is the value of a variable."""
    words = [word for name, value in variables for word in ("-v", f"{name}={value}")]
    command = ["psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", "-f", "-", *words, "-d", address.url]
    return run(address, command, script.encode()).decode().strip()


def run(address: Address, command: Sequence[str], stdin: bytes = b"") -> bytes:
    """Run a client program to its end and return what it prints."""
    done = subprocess.run(  # noqa: S603  # a program of ours with fixed words
        [str(binaries() / command[0]), *command[1:]],
        input=stdin,
        env=address.environment(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise _failed(command[0], done.stderr)
    return done.stdout


def read_from(address: Address, command: Sequence[str], into: IO[bytes]) -> None:
    """Run a program and write what it prints, block by block, to `into`."""
    with tempfile.TemporaryFile() as said:
        process = _begin(address, command, said, stdout=subprocess.PIPE)
        with process:
            try:
                _copy(iter(lambda: _pipe(process.stdout).read(1 << 20), b""), into)
            except BaseException:
                process.kill()
                raise
        _check(process, command[0], said)


def write_to(address: Address, command: Sequence[str], blocks: Iterable[bytes]) -> None:
    """Run a program that reads `blocks` from its standard input."""
    with tempfile.TemporaryFile() as said:
        process = _begin(address, command, said, stdin=subprocess.PIPE)
        with process:
            try:
                _copy(blocks, _pipe(process.stdin))
                _pipe(process.stdin).close()
            except BrokenPipeError:
                pass  # it ended early, and says why
            except BaseException:
                process.kill()
                raise
        _check(process, command[0], said)


def _begin(
    address: Address,
    command: Sequence[str],
    said: IO[bytes],
    *,
    stdin: int | None = None,
    stdout: int | None = None,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  # a program of ours with fixed words
        [str(binaries() / command[0]), *command[1:]],
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=subprocess.DEVNULL if stdout is None else stdout,
        stderr=said,
        env=address.environment(),
    )


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def _copy(blocks: Iterable[bytes], into: IO[bytes]) -> None:
    for block in blocks:
        into.write(block)


def _check(process: subprocess.Popen[bytes], program: str, said: IO[bytes]) -> None:
    if process.returncode:
        said.seek(0)
        raise _failed(program, said.read())


def _failed(program: str, said: bytes) -> ClusterError:
    text = said.decode("utf-8", "replace").strip()
    return ClusterError(f"{program} failed: {text[-4000:] or 'without a word'}")
