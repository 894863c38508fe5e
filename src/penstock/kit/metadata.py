"""The one collection of metadata tables: every domain's store adds its own, migrations compare against it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import TIMESTAMP, BigInteger, Column, Identity, MetaData, Text, func
from sqlalchemy.types import TypeEngine

SCHEMA = "penstock"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    },
)

# Text sorts by code point, whatever the locale of the server (design section 8).
TEXT: TypeEngine[str] = Text(collation="C")
INSTANT = TIMESTAMP(timezone=True)


def identity_column() -> Column[Any]:
    """`id`: a 64-bit number that the database gives out."""
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def created_column(name: str = "created_at") -> Column[Any]:
    """An instant that defaults to that of the transaction."""
    return Column(name, INSTANT, server_default=func.now(), nullable=False)
