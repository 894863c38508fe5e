"""Storage providers: what each can do, and what it may be configured with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.kit.db import Connection
from penstock.tables.models import ProviderType
from penstock.tables.providers import flat_table, jsonb, mongodb
from penstock.tables.providers.base import Capabilities, Feature
from penstock.tables.providers.config import check_document
from penstock.tables.providers.jsonb import config as jsonb_config

PROVIDERS: tuple[Capabilities, ...] = (
    flat_table.CAPABILITIES,
    jsonb.CAPABILITIES,
    mongodb.CAPABILITIES,
)
_BY_TYPE = {one.provider: one for one in PROVIDERS}


def capabilities(provider: ProviderType) -> Capabilities:
    """What tables under this provider can do."""
    return _BY_TYPE[provider]


async def check_config(conn: Connection, provider: ProviderType, config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as it is stored, with what is really in effect where that differs.

    Raises `Invalid` for field `provider_config`.
    """
    document = {key: value for key, value in config.items() if key != "effective"}
    check_document(document)
    match provider:
        case ProviderType.FLAT_TABLE:
            return document
        case ProviderType.JSONB:
            return await jsonb_config.check_config(conn, document)
        case ProviderType.MONGODB:
            return mongodb.check_config(document)


def require_served(provider: ProviderType, table_name: str) -> None:
    """Raises `BadRequest` for a provider that keeps definitions and no records."""
    capabilities(provider).require(Feature.RECORDS, table_name)


__all__ = ["PROVIDERS", "Capabilities", "Feature", "capabilities", "check_config", "require_served"]
