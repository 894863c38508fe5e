"""Apps, data sources and data tables: their definitions, and their records over HTTP."""

from penstock.tables import operations
from penstock.tables.assembly import end_streams, install, stop, tell_webhooks
from penstock.tables.bulk.batch import run_batch
from penstock.tables.bulk.routes import ROUTES as BULK_ROUTES
from penstock.tables.catalog import CHANNEL as CATALOG_CHANNEL
from penstock.tables.catalog import Catalog
from penstock.tables.changes.routes import ROUTES as CHANGE_ROUTES
from penstock.tables.describing import DescribedTable, describe_tables
from penstock.tables.graph.routes import ROUTES as EDGE_ROUTES
from penstock.tables.jobs import HANDLERS, SCHEDULES
from penstock.tables.numbered import NumberedSource, foreign_sources, numbered_source, numbered_sources
from penstock.tables.reading import Documents, Found, Readable, find_readable, readable, told
from penstock.tables.records.asking import ROUTES as ASKING_ROUTES
from penstock.tables.records.routes import ROUTES as RECORD_ROUTES
from penstock.tables.routes import ROUTES as MANAGEMENT_ROUTES

ROUTES = (
    *RECORD_ROUTES, *ASKING_ROUTES, *CHANGE_ROUTES, *BULK_ROUTES, run_batch, *EDGE_ROUTES, *MANAGEMENT_ROUTES,
)  # fmt: skip

__all__ = [
    "CATALOG_CHANNEL",
    "HANDLERS",
    "ROUTES",
    "SCHEDULES",
    "Catalog",
    "DescribedTable",
    "Documents",
    "Found",
    "NumberedSource",
    "Readable",
    "describe_tables",
    "end_streams",
    "find_readable",
    "foreign_sources",
    "install",
    "numbered_source",
    "numbered_sources",
    "operations",
    "readable",
    "stop",
    "tell_webhooks",
    "told",
]
