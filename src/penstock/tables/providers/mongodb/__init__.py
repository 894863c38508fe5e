"""Records as documents in collections of MongoDB. What needs the driver is imported when a request needs it."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from penstock.kit import errors
from penstock.kit.context import Context
from penstock.tables.providers.mongodb.altering import Alteration, alteration
from penstock.tables.providers.mongodb.config import CAPABILITIES, check_config
from penstock.tables.providers.mongodb.definition import described, layout_text, read_layout, refuse_unfit

__all__ = [
    "CAPABILITIES", "Alteration", "alteration", "check_config", "close", "described", "layout_text", "load_engine",
    "read_layout", "refuse_unfit",
]  # fmt: skip

_ENGINE = "penstock.tables.providers.mongodb.engine"


def load_engine() -> Any:
    """The module that serves records. Raises `BadRequest` on a server without the driver."""
    try:
        return import_module(_ENGINE)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pymongo", "bson"):
            raise
        raise errors.BadRequest(
            "This server lacks the driver of MongoDB: pip install 'penstock[mongodb]'."
        ) from error


async def close(ctx: Context) -> None:
    """End the connections of a process, if it has any."""
    module: Any = sys.modules.get(_ENGINE)
    if module is not None:
        await module.close(ctx)
