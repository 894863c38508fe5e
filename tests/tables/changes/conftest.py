"""The workbench of this package's tests."""

from tests.tables.workbench import module_database, workbench

__all__ = ["module_database", "workbench"]
