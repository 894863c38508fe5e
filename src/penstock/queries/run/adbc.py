"""The door to the driver that runs queries, which takes polars along: 15 MiB, and a fifth of the time to load it."""

# pyright: basic
# The driver ships no types.

from __future__ import annotations

from penstock.kit.sparing import without

with without("polars"):
    import adbc_driver_manager
    import adbc_driver_postgresql
    from adbc_driver_manager import dbapi

__all__ = ["adbc_driver_manager", "adbc_driver_postgresql", "dbapi"]
