"""Configuration of `mongodb` sources: a database, and a credential by name; so no secret is kept in clear."""

from __future__ import annotations

import re
from typing import Any

from penstock.tables.models import ProviderType
from penstock.tables.providers.base import Capabilities, Feature
from penstock.tables.providers.config import refuse

CAPABILITIES = Capabilities(
    ProviderType.MONGODB,
    "documents in collections of MongoDB",
    {
        Feature.FOREIGN_UNIQUE: (
            "its foreign keys are of one field, and lead to the key of a table of the same data source."
        ),
        Feature.SEARCH_CONDITIONS: "it has no search vectors; `search` goes with all other conditions.",
        Feature.EXPRESSION_INDEXES: "its indexes are of fields, and of all records.",
        Feature.SELF_REFERENCE: "its walks go along edges of their own.",
        Feature.VECTORS: "it has no index of vectors.",
        Feature.CHANGES: "it keeps no changes of its records; 'changes' is for tables in PostgreSQL.",
        Feature.AUDIT: "an audit entry cannot be written in the transaction of the change.",
        Feature.DOCUMENT_TEXT: "documents are not kept as text.",
        Feature.LONG_NUMBERS: "it keeps 34 digits, and an aggregate that would need more is refused.",
    },
)
_DATABASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_DATABASE_LENGTH = 38
_OWN = ("admin", "config", "local")
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
    name = config.get("database")
    if name is not None and (not _DATABASE.fullmatch(name) or len(name) > _DATABASE_LENGTH):
        refuse(
            f"'database' has letters, digits, hyphens and underscores (ASCII), at most {_DATABASE_LENGTH}."
        )
    if name in _OWN:
        refuse(f"'{name}' is a database of MongoDB itself.")
    return config
