"""What the code written by `penstock gen types` is made of."""

from penstock_sdk._async.client import AsyncClient
from penstock_sdk._async.typed import AsyncTypedTable
from penstock_sdk._filters import Expression
from penstock_sdk._pages import Page
from penstock_sdk._ranges import Range
from penstock_sdk._sync.client import Client
from penstock_sdk._sync.typed import TypedTable

__all__ = ["AsyncClient", "AsyncTypedTable", "Client", "Expression", "Page", "Range", "TypedTable"]
