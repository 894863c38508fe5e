"""Configuration of `mongodb` sources: a database, and a credential by name; so no secret is kept in clear."""

from __future__ import annotations

from typing import Any

from penstock.tables.models import ProviderType
from penstock.tables.providers.base import Capabilities, Feature
from penstock.tables.providers.config import refuse

CAPABILITIES = Capabilities(
    ProviderType.MONGODB,
    "collections of documents in MongoDB",
    {Feature.RECORDS: "its records are not served yet; definitions can be kept there."},
)

_TEXTS = ("database", "credential")
_LENGTH = 200


def check_config(config: dict[str, Any]) -> dict[str, Any]:
    for key, value in config.items():
        if key not in _TEXTS:
            refuse(
                f"'{key[:40]}' is unknown; it holds 'database', and 'credential', which names a stored one."
            )
        if not isinstance(value, str) or not 0 < len(value) <= _LENGTH:
            refuse(f"'{key}' is a text of 1 to {_LENGTH} characters.")
    return config
