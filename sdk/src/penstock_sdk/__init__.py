"""The typed client of Penstock.

    from penstock_sdk import Client, F

    with Client("http://127.0.0.1:5001", key="...") as client:
        flights = client.app("demo").table("flights").records
        for row in flights.filter(carrier="UA").where(F("dep_delay") > 60).order_by("-dep_delay").limit(10):
            print(row["flight"], row["dep_delay"])

Names that are not in `__all__` may change at any time.
"""

from penstock_sdk._async.client import AsyncClient
from penstock_sdk._async.pages import AsyncPager
from penstock_sdk._async.resources.apps import AsyncAppHandle
from penstock_sdk._async.resources.records import AsyncRecordQuery, AsyncRecords
from penstock_sdk._async.resources.tables import AsyncTableHandle
from penstock_sdk._batches import BulkProgress
from penstock_sdk._errors import (
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    ForbiddenError,
    GatewayTimeoutError,
    MethodNotAllowedError,
    NotFoundError,
    PayloadTooLargeError,
    PenstockError,
    PreconditionFailedError,
    RateLimitedError,
    RequestTimeoutError,
    RowFault,
    ServerError,
    UnauthorizedError,
    UnavailableError,
    UnexpectedAnswerError,
    ValidationError,
)
from penstock_sdk._filters import Expression, F
from penstock_sdk._models import (
    App,
    AppStats,
    AppSummary,
    AppTableStats,
    DataSource,
    DataSourceRef,
    DataSourceStats,
    DataSourceSummary,
    DataTable,
    DataTableSummary,
    Health,
    ImportReport,
    Key,
    NewKey,
    Record,
    SourceCounts,
    TableSchema,
    User,
    ValidationReport,
)
from penstock_sdk._pages import Page, RecordPage, Upserted
from penstock_sdk._retry import RetryPolicy
from penstock_sdk._sync.client import Client
from penstock_sdk._sync.pages import Pager
from penstock_sdk._sync.resources.apps import AppHandle
from penstock_sdk._sync.resources.records import RecordQuery, Records
from penstock_sdk._sync.resources.tables import TableHandle
from penstock_sdk._version import __version__

__all__ = [
    "App",
    "AppHandle",
    "AppStats",
    "AppSummary",
    "AppTableStats",
    "AsyncAppHandle",
    "AsyncClient",
    "AsyncPager",
    "AsyncRecordQuery",
    "AsyncRecords",
    "AsyncTableHandle",
    "BadRequestError",
    "BulkProgress",
    "Client",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "DataSource",
    "DataSourceRef",
    "DataSourceStats",
    "DataSourceSummary",
    "DataTable",
    "DataTableSummary",
    "Expression",
    "F",
    "ForbiddenError",
    "GatewayTimeoutError",
    "Health",
    "ImportReport",
    "Key",
    "MethodNotAllowedError",
    "NewKey",
    "NotFoundError",
    "Page",
    "Pager",
    "PayloadTooLargeError",
    "PenstockError",
    "PreconditionFailedError",
    "RateLimitedError",
    "Record",
    "RecordPage",
    "RecordQuery",
    "Records",
    "RequestTimeoutError",
    "RetryPolicy",
    "RowFault",
    "ServerError",
    "SourceCounts",
    "TableHandle",
    "TableSchema",
    "UnauthorizedError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "Upserted",
    "User",
    "ValidationError",
    "ValidationReport",
    "__version__",
]
