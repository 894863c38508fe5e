"""Hand-tuned statements live in `.sql` files: `-- name: <name>`, a line of prose, then the statement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

_NAME = re.compile(r"^-- name: *([a-z][a-z0-9_]*) *$", re.MULTILINE)


def load(package: str, file: str = "queries.sql") -> Mapping[str, str]:
    """The statements of a package's file by name, comments removed."""
    parts = _NAME.split(resources.files(package).joinpath(file).read_text("utf-8"))
    statements: dict[str, str] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if name in statements:
            raise ValueError(f"{package}/{file} names {name} twice.")
        lines = (line for line in body.splitlines() if line.strip() and not line.lstrip().startswith("--"))
        statements[name] = "\n".join(lines)
    return MappingProxyType(statements)
