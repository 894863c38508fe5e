"""Results as tables of pyarrow, pandas and polars, which are extras and are loaded when asked for."""

# pyright: basic
# pyarrow and pandas ship no types, and polars need not be there.

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from penstock_sdk._errors import ConfigurationError
from penstock_sdk._query_models import ResultColumn


def _needed(module: str, extra: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"This needs {module.partition('.')[0]}: pip install 'penstock-sdk[{extra}]'"
        ) from error


def require_arrow() -> None:
    """Raises a ConfigurationError where pyarrow is not installed."""
    _needed("pyarrow", "arrow")


def table_of(content: Any) -> Any:
    """The pyarrow table in the bytes of an Arrow file, which it goes on using."""
    arrow, ipc = _needed("pyarrow", "arrow"), _needed("pyarrow.ipc", "arrow")
    return ipc.open_file(arrow.BufferReader(content)).read_all()


def pandas_of(table: Any, columns: Sequence[ResultColumn]) -> Any:
    _needed("pandas", "pandas")
    return _with_numbers(table, columns).to_pandas()


def polars_of(table: Any, columns: Sequence[ResultColumn]) -> Any:
    return _needed("polars", "polars").from_arrow(_with_numbers(table, columns))


def _with_numbers(table: Any, columns: Sequence[ResultColumn]) -> Any:
    """With floats where the file has numbers as text, all of whose digits it keeps."""
    arrow = _needed("pyarrow", "arrow")
    for index, column in enumerate(columns):
        held = table.schema.field(index)
        if column.type == "float" and (
            arrow.types.is_string(held.type) or arrow.types.is_large_string(held.type)
        ):
            numbers = table.column(index).cast(arrow.float64())
            table = table.set_column(index, held.name, numbers)
    return table
