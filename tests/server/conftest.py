"""The callers of the tables' tests serve here too."""

from tests.tables.conftest import callers, owner, shop

__all__ = ["callers", "owner", "shop"]
