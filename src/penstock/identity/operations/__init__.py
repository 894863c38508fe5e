"""What identity offers over HTTP, declared for the OpenAPI document; `routes` does it."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity.operations import accounts, keys, letters, people, signing_in, teams
from penstock.kit.openapi import Operation

TAGS: Final = {
    "Signing in": "Logins, tokens and the caller's own person.",
    "Users": "The members of the caller's org.",
    "Orgs": "The orgs of the caller, and who belongs to them.",
    "Teams": "Users who hold roles together.",
    "Keys": "API keys: a user's own, and service keys.",
    "Audit": "Who changed what.",
}
SCHEMAS: Final[dict[str, Any]] = {**signing_in.SCHEMAS, **people.SCHEMAS}
OPERATIONS: Final[tuple[Operation, ...]] = (
    *signing_in.OPERATIONS,
    *letters.OPERATIONS,
    *people.USERS,
    *accounts.OPERATIONS,
    *people.ORGS,
    *teams.TEAMS,
    *keys.KEYS,
    *keys.AUDIT,
)
