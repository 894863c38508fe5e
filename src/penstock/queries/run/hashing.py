"""The digest of a query that the dashboard dialect shows. Nothing of ours goes by it: two queries may share one."""

from __future__ import annotations

import hashlib
import re
from typing import Final

_COMMENT: Final = re.compile(r"/\*.*?\*/")
_SPACE: Final = re.compile(r"\s+")


def hash_of(text: str) -> str:
    plain = _SPACE.sub("", _COMMENT.sub("", text))
    return hashlib.md5(plain.encode(), usedforsecurity=False).hexdigest()
