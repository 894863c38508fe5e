"""Credentials, without their secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Credential:
    """Access to an outside system. `settings` may be shown, the secrets never are."""

    id: int
    uid: UUID
    org_id: int
    name: str
    kind: str
    description: str
    settings: Mapping[str, Any]
    created_by: int | None
    created_at: datetime
    updated_at: datetime
    secrets_changed_at: datetime
    checked_at: datetime | None
    check_ok: bool | None
    check_detail: str | None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What came of trying to connect; `detail` is a sentence without secrets."""

    ok: bool
    detail: str
