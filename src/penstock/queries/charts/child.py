"""The process that draws: reads documents from its input and writes pictures to its output.

Run by its path and importing nothing of the product, so that it is small, and knows nothing that would be worth having.
Each message is four bytes of length and its content; an answer begins with `+`, or `-` before what went wrong.
"""

from __future__ import annotations

import json
import resource
import struct
import sys
from typing import Any, BinaryIO

import vl_convert


def main(source: BinaryIO, target: BinaryIO, memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (raw := _read(source)) is not None:
        try:
            answer = b"+" + _draw(json.loads(raw))
        except Exception as error:
            answer = b"-" + str(error).encode()[:2000]
        target.write(struct.pack(">I", len(answer)) + answer)
        target.flush()


def _draw(asked: dict[str, Any]) -> bytes:
    # Nothing is fetched, whatever a document says.
    document, nowhere = asked["document"], list[str]()
    if asked["format"] == "png":
        return vl_convert.vegalite_to_png(document, scale=asked["scale"], allowed_base_urls=nowhere)
    return vl_convert.vegalite_to_svg(document, allowed_base_urls=nowhere).encode()


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack(">I", head)
    return source.read(length)


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[1]))
