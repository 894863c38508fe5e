"""Reading from buckets: keys are listed and read in parts, over the S3 protocol.

The place is given by somebody who must not reach what only this machine can: connections go to the address that was
looked at, and nobody is followed elsewhere, as libraries for object stores do. All blocks but `bucket_at`.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import io
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from penstock.connectors.kinds.base import CheckFailed, shown
from penstock.kit import outbound
from penstock.kit.outbound import OutboundSettings

if TYPE_CHECKING:
    import httpx2

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_REGION: Final = re.compile(r"[A-Za-z0-9_\-]{1,64}")
_PORTS: Final = {"http": 80, "https": 443}
_CONNECT, _SILENCE, _WHOLE = 5.0, 15.0, 60.0  # seconds: to connect, between two bytes, for one answer
_PAUSES: Final = (0.2, 0.8)  # seconds before an answer that tells of a passing trouble is asked for again
_PASSING: Final = frozenset({429, 500, 502, 503, 504})
_PIECE: Final = 1024 * 1024  # bytes; the least that is read at once
_MOST: Final = 4 * 1024 * 1024  # bytes of a listing, and of a refusal
_KEYS: Final = 1000  # of a page of a listing
_PAGES: Final = 20
_AT_ONCE: Final = 16 * 1024 * 1024  # bytes; the most that one answer has
_LARGEST: Final = 512 * 1024 * 1024  # bytes; the most that is held at once
_NOTHING: Final = hashlib.sha256(b"").hexdigest()
_WORDS: Final = {
    "InvalidAccessKeyId": "does not know this access_key_id",
    "SignatureDoesNotMatch": "refuses the key: the secret_access_key is not that of the access_key_id",
    "RequestTimeTooSkewed": "has another time than this server",
    "PreconditionFailed": "has another file there by now; ask again",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An object of a bucket; `tag` is of its present content."""

    key: str
    size: int
    tag: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, the address that its store was found at, and the key to it, if any."""

    name: str
    region: str
    scheme: str
    host: str
    port: int
    address: str
    key_id: str | None = field(repr=False)
    secret: str | None = field(repr=False)

    def listed(self, prefix: str, ending: str, most: int) -> list[Entry]:
        """Objects directly below a prefix, by name. Raises `CheckFailed`."""
        found: list[Entry] = []
        more: str | None = None
        with self._client() as client:
            for _ in range(_PAGES):
                query = {"list-type": "2", "delimiter": "/", "max-keys": str(_KEYS), "prefix": prefix}
                if more is not None:
                    query["continuation-token"] = more
                _, body = self._answer(client, "", query, {}, _MOST)
                text = body.decode("utf-8", "replace")
                entries = [_entry(one) for one in text.split("<Contents>")[1:]]
                found += [one for one in entries if one.key.endswith(ending)]
                more = _said(text, "NextContinuationToken")
                if more is None or len(found) >= most:
                    break
        return found[:most]

    def entry(self, key: str) -> Entry | None:
        """One object, if there is such. Raises `CheckFailed`."""
        try:
            with self._client() as client:
                headers, _ = self._answer(client, key, {}, {"Range": "bytes=0-0"}, 1)
        except _Refused as error:
            if error.code == "NoSuchKey":
                return None
            if error.code == "InvalidRange":
                return Entry(key, 0, "")
            raise
        size = _number(headers.get("content-range", "").rpartition("/")[2])
        if size is None:
            raise CheckFailed(f"{self._place} is no object store: it does not give parts of files.")
        return Entry(key, size, headers.get("etag", ""))

    def open(self, entry: Entry) -> Opened:
        return Opened(self, self._client(), entry)

    @property
    def _place(self) -> str:
        standard = self.port == _PORTS[self.scheme]
        return f"{self.scheme}://{self.host}" + ("" if standard else f":{self.port}")

    def _client(self) -> httpx2.Client:
        import httpx2  # noqa: PLC0415  (large)

        limits = httpx2.Timeout(_SILENCE, connect=_CONNECT)
        return httpx2.Client(
            verify=outbound.trusted(), follow_redirects=False, trust_env=False, timeout=limits
        )

    def part(self, client: httpx2.Client, entry: Entry, start: int, end: int) -> bytes:
        """Bytes of an object that is still what it was. Raises `CheckFailed`."""
        if end - start > _LARGEST:
            raise CheckFailed(f"'{shown(entry.key)}' has parts that are too large to be read.")
        read = bytearray()
        same = {"If-Match": entry.tag} if entry.tag else {}
        for at in range(start, end, _AT_ONCE):
            until = min(at + _AT_ONCE, end)
            headers = {"Range": f"bytes={at}-{until - 1}", **same}
            read += self._answer(client, entry.key, {}, headers, until - at)[1]
        if len(read) != end - start:
            raise CheckFailed(f"'{shown(entry.key)}' broke off.")
        return bytes(read)

    def _answer(
        self, client: httpx2.Client, key: str, query: Mapping[str, str], headers: Mapping[str, str], most: int
    ) -> tuple[Mapping[str, str], bytes]:
        import httpx2  # noqa: PLC0415  (large)

        for pause in (*_PAUSES, None):
            try:
                status, answered, body = self._asked(client, key, query, headers, most)
            except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError) as error:
                if pause is None or isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout)):
                    raise CheckFailed(f"No object store answers at {self._place}.") from error
            else:
                if status in (200, 206):
                    return answered, body
                if status not in _PASSING or pause is None:
                    raise self._refused(status, answered, body, key)
            time.sleep(pause)
        raise AssertionError

    def _asked(
        self, client: httpx2.Client, key: str, query: Mapping[str, str], headers: Mapping[str, str], most: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        path = _escaped(f"/{self.name}/{key}", "/")
        asked = "&".join(f"{_escaped(one)}={_escaped(query[one])}" for one in sorted(query))
        address = f"[{self.address}]" if ":" in self.address else self.address
        host = f"[{self.host}]" if ":" in self.host else self.host
        own = {"Host": host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"}
        own |= self._signature(path, asked, own["Host"])
        extensions: dict[str, Any] = {"sni_hostname": self.host}
        with client.stream(
            "GET",
            f"{self.scheme}://{address}:{self.port}{path}?{asked}".rstrip("?"),
            headers={**headers, **own, "Accept-Encoding": "identity"},
            extensions=extensions,
        ) as answer:
            until, body = time.monotonic() + _WHOLE, bytearray()
            room = most if answer.status_code in (200, 206) else _MOST
            for piece in answer.iter_raw():
                body += piece
                if len(body) > room:
                    raise CheckFailed(
                        f"{self._place} is no object store: it gives more than it was asked for."
                    )
                if time.monotonic() > until:
                    raise CheckFailed(f"{self._place} takes too long.")
            return answer.status_code, answer.headers, bytes(body)

    def _signature(self, path: str, query: str, host: str) -> dict[str, str]:
        """The headers of AWS Signature Version 4; none where there is no key."""
        if self.key_id is None or self.secret is None:
            return {}
        now = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        scope = f"{now[:8]}/{self.region}/s3/aws4_request"
        signed = "host;x-amz-content-sha256;x-amz-date"
        lines = (f"host:{host}", f"x-amz-content-sha256:{_NOTHING}", f"x-amz-date:{now}", "")
        request = "\n".join(("GET", path, query, *lines, signed, _NOTHING))
        text = "\n".join(("AWS4-HMAC-SHA256", now, scope, hashlib.sha256(request.encode()).hexdigest()))
        key = f"AWS4{self.secret}".encode()
        for one in (*scope.split("/"), text):
            key = hmac.digest(key, one.encode(), "sha256")
        credential = f"Credential={self.key_id}/{scope}"
        return {
            "x-amz-content-sha256": _NOTHING,
            "x-amz-date": now,
            "Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={signed}, Signature={key.hex()}",
        }

    def _refused(self, status: int, headers: Mapping[str, str], body: bytes, key: str) -> _Refused:
        """What the store says in a code of its own, in words; its sentences may repeat what it was told."""
        text = body.decode("utf-8", "replace")
        code = _said(text, "Code") or ""
        region = headers.get("x-amz-bucket-region") or _said(text, "Region") or ""
        if code == "NoSuchBucket":
            sentence = f"There is no bucket '{self.name}' at {self._place}."
        elif code == "NoSuchKey":
            sentence = f"There is no object '{shown(key)}' in the bucket '{self.name}'."
        elif region != self.region and _REGION.fullmatch(region):
            sentence = f"The bucket '{self.name}' is in the region '{region}', and not in '{self.region}'."
        elif code in _WORDS:
            sentence = f"The object store at {self._place} {_WORDS[code]}."
        elif status in (401, 403):
            who = "this key" if self.key_id else "those without a key"
            sentence = f"The bucket '{self.name}' at {self._place} is closed to {who}."
        else:
            said = f" ({code})" if re.fullmatch(r"[A-Za-z.]{1,60}", code) else ""
            sentence = f"The object store at {self._place} answers with {status}{said}."
        return _Refused(sentence, code)


class _Refused(CheckFailed):
    """The object store says no; `code` is its own word for why."""

    def __init__(self, sentence: str, code: str) -> None:
        super().__init__(sentence)
        self.code = code


class Opened(io.RawIOBase):
    """An object as a file for Arrow, of which at least a piece is read at once."""

    def __init__(self, bucket: Bucket, client: httpx2.Client, entry: Entry) -> None:
        self._bucket = bucket
        self._client = client
        self._entry = entry
        self._at = 0
        self._start, self._piece = 0, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def size(self) -> int:
        return self._entry.size

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._at = offset + (0, self._at, self._entry.size)[whence]
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        end = self._entry.size if size < 0 else min(self._at + size, self._entry.size)
        if end <= self._at:
            return b""
        if not self._start <= self._at <= end <= self._start + len(self._piece):
            until = min(max(end, self._at + _PIECE), self._entry.size)
            self._piece = self._bucket.part(self._client, self._entry, self._at, until)
            self._start = self._at
        found = self._piece[self._at - self._start : end - self._start]
        self._at = end
        return found

    def close(self) -> None:
        self._client.close()
        super().close()


async def bucket_at(
    name: str,
    region: str | None,
    endpoint: str | None,
    key: tuple[str | None, str | None],
    limits: OutboundSettings,
) -> Bucket:
    """Raises `CheckFailed` for what is no such place, and what `outbound.addresses` does."""
    if not _NAME.fullmatch(name):
        raise CheckFailed(f"'{shown(name)}' is not the name of a bucket.")
    if (key[0] is None) != (key[1] is None):
        raise CheckFailed("An access key id and a secret access key go together: give both, or neither.")
    region = region or "us-east-1"
    if not _REGION.fullmatch(region):
        raise CheckFailed(f"'{shown(region)}' is not the name of a region.")
    endpoint = endpoint or f"https://s3.{region}.amazonaws.com"
    scheme, host, port = _located(endpoint)
    address = (await outbound.addresses(host, port, limits))[0]
    return Bucket(name, region, scheme, host, port, address, *key)


def _located(endpoint: str) -> tuple[str, str, int]:
    try:
        at = urlsplit(endpoint)
        host, port = at.hostname or "", at.port or _PORTS.get(at.scheme, 0)
        fits = at.scheme in _PORTS and host.isascii() and not (at.username or at.query or at.path.strip("/"))
        if fits and host and port:
            return at.scheme, host, port
    except ValueError:
        pass  # answered as what has another shape
    raise CheckFailed(
        f"'{shown(endpoint)}' is not the address of an object store, such as https://minio.example.com:9000."
    )


def _escaped(text: str, safe: str = "") -> str:
    return quote(text, safe=f"{safe}-_.~")


def _said(text: str, tag: str) -> str | None:
    found = re.search(rf"<{tag}>([^<]*)</{tag}>", text)
    return html.unescape(found[1]) if found else None


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def _entry(text: str) -> Entry:
    return Entry(_said(text, "Key") or "", _number(_said(text, "Size") or "") or 0, _said(text, "ETag") or "")
