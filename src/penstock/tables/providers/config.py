"""What every provider's configuration must obey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from penstock.kit import errors

_SIZE = 16 * 1024  # bytes


def check_document(config: Mapping[str, Any]) -> None:
    text = msgspec.json.encode(config)
    if len(text) > _SIZE:
        refuse(f"It has at most {_SIZE} bytes as JSON.")
    if b"\\u0000" in text:
        refuse("It must not contain the NUL character.")


def refuse(reason: str) -> NoReturn:
    raise errors.Invalid({"provider_config": [reason]})
