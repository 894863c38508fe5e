"""The load generator for machines without wrk: asyncio connections that send one request after another.

Reads its order as JSON from standard input and writes its result as JSON; `bench.load` is its only caller.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from statistics import quantiles
from typing import Any
from urllib.parse import urlsplit

from bench.data import MOST, STATUSES, moment

_PLACE = re.compile(r"{(\w+)}")


class _Caller:
    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._dice = random.Random()
        target = urlsplit(order["url"])
        self._address = (target.hostname, target.port)
        self._head = "".join(
            f"{name}: {value}\r\n" for name, value in {"Host": target.netloc, **order["headers"]}.items()
        )
        self.times: list[float] = []
        self.failed = 0

    def _value(self, name: str) -> str:
        match name:
            case "account":
                return str(self._dice.randint(1, self._order["accounts"]))
            case "amount":
                return f"{self._dice.random() * MOST:.2f}"
            case "status":
                return self._dice.choice(STATUSES)
            case "moment":
                return moment(self._dice)
            case _:
                return f"{self._dice.getrandbits(64):016x}"

    def _filled(self, text: str) -> str:
        return _PLACE.sub(lambda found: self._value(found[1]), text)

    def _request(self) -> bytes:
        body = self._filled(self._order["body"] or "").encode()
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        line = f"{self._order['method']} {self._filled(self._order['path'])} HTTP/1.1\r\n"
        return f"{line}{self._head}{length}\r\n".encode() + body

    async def call_until(self, end: float) -> None:
        reader, writer = await asyncio.open_connection(*self._address)
        while (started := time.perf_counter()) < end:
            writer.write(self._request())
            head = await reader.readuntil(b"\r\n\r\n")
            await _read_body(reader, head.lower())
            self.times.append(time.perf_counter() - started)
            self.failed += head[9:10] != b"2"
        writer.close()


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> None:
    length = re.search(rb"content-length: *(\d+)", head)
    if length:
        await reader.readexactly(int(length[1]))
        return
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
    await reader.readuntil(b"\r\n")


async def _main() -> None:
    order = json.load(sys.stdin)
    caller = _Caller(order)
    started = time.perf_counter()
    end = started + order["seconds"]
    await asyncio.gather(*(caller.call_until(end) for _ in range(order["clients"])))
    shares = quantiles(caller.times, n=100)
    result = {
        "requests": len(caller.times),
        "seconds": time.perf_counter() - started,
        "failed": caller.failed,
        "p50": shares[49] * 1000,
        "p99": shares[98] * 1000,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(_main())
