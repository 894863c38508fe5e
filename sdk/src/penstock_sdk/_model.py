"""What all objects of answers are: frozen, and deaf to keys that they do not know."""

from __future__ import annotations

import msgspec


class Model(msgspec.Struct, kw_only=True, frozen=True):
    """A frozen answer of the server."""
