"""The typed client of Penstock.

    from penstock_sdk import Client, F

    with Client("http://127.0.0.1:5001", key="...") as client:
        flights = client.app("demo").table("flights").records
        for row in flights.filter(carrier="UA").where(F("dep_delay") > 60).order_by("-dep_delay").limit(10):
            print(row["flight"], row["dep_delay"])

Names that are not in `__all__` may change at any time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from penstock_sdk._version import __version__

if TYPE_CHECKING:
    from penstock_sdk._alert_models import (
        Alert,
        AlertDelivery,
        Destination,
        DestinationCheck,
        Subscription,
    )
    from penstock_sdk._async.client import AsyncClient
    from penstock_sdk._async.pages import AsyncPager
    from penstock_sdk._async.resources.apps import AsyncAppHandle
    from penstock_sdk._async.resources.edges import AsyncEdges
    from penstock_sdk._async.resources.queries import AsyncQueryRun
    from penstock_sdk._async.resources.records import AsyncRecordQuery, AsyncRecords
    from penstock_sdk._async.resources.results import AsyncQueryResult
    from penstock_sdk._async.resources.tables import AsyncTableHandle
    from penstock_sdk._batches import BulkProgress
    from penstock_sdk._changes import Change
    from penstock_sdk._dashboard_models import Dashboard, Share, Widget
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
        QueryCancelledError,
        QueryFailedError,
        QueryTimeoutError,
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
    from penstock_sdk._imports import (
        Imported,
        ImportFault,
        ImportProgress,
        QuarantinedImport,
        QuarantinedRow,
    )
    from penstock_sdk._models import (
        Account,
        App,
        AppStats,
        AppSummary,
        AppTableStats,
        AuditEntry,
        Credential,
        CredentialCheck,
        CredentialKind,
        DataSource,
        DataSourceRef,
        DataSourceStats,
        DataSourceSummary,
        DataTable,
        DataTableSummary,
        Group,
        Health,
        ImportReport,
        Key,
        NewKey,
        NewWebhook,
        PlannedStep,
        Record,
        RoleHolder,
        Rule,
        SchemaPlan,
        SourceCounts,
        TableOperation,
        TableSchema,
        Team,
        TeamMember,
        User,
        ValidationReport,
        Webhook,
        WebhookDelivery,
    )
    from penstock_sdk._pages import Graph, Page, RecordPage, Upserted
    from penstock_sdk._query_models import (
        Job,
        Person,
        QueryDiff,
        QuerySource,
        QueryVersion,
        ResultColumn,
        ResultInfo,
        SavedQuery,
        Snippet,
        SourceCheck,
        SourceKind,
        SourceTable,
        Visualization,
    )
    from penstock_sdk._retry import RetryPolicy
    from penstock_sdk._sync.client import Client
    from penstock_sdk._sync.pages import Pager
    from penstock_sdk._sync.resources.apps import AppHandle
    from penstock_sdk._sync.resources.edges import Edges
    from penstock_sdk._sync.resources.queries import QueryRun
    from penstock_sdk._sync.resources.records import RecordQuery, Records
    from penstock_sdk._sync.resources.results import QueryResult
    from penstock_sdk._sync.resources.tables import TableHandle

__all__ = [
    "Account",
    "Alert",
    "AlertDelivery",
    "App",
    "AppHandle",
    "AppStats",
    "AppSummary",
    "AppTableStats",
    "AsyncAppHandle",
    "AsyncClient",
    "AsyncEdges",
    "AsyncPager",
    "AsyncQueryResult",
    "AsyncQueryRun",
    "AsyncRecordQuery",
    "AsyncRecords",
    "AsyncTableHandle",
    "AuditEntry",
    "BadRequestError",
    "BulkProgress",
    "Change",
    "Client",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "Credential",
    "CredentialCheck",
    "CredentialKind",
    "Dashboard",
    "DataSource",
    "DataSourceRef",
    "DataSourceStats",
    "DataSourceSummary",
    "DataTable",
    "DataTableSummary",
    "Destination",
    "DestinationCheck",
    "Edges",
    "Expression",
    "F",
    "ForbiddenError",
    "GatewayTimeoutError",
    "Graph",
    "Group",
    "Health",
    "ImportFault",
    "ImportProgress",
    "ImportReport",
    "Imported",
    "Job",
    "Key",
    "MethodNotAllowedError",
    "NewKey",
    "NewWebhook",
    "NotFoundError",
    "Page",
    "Pager",
    "PayloadTooLargeError",
    "PenstockError",
    "Person",
    "PlannedStep",
    "PreconditionFailedError",
    "QuarantinedImport",
    "QuarantinedRow",
    "QueryCancelledError",
    "QueryDiff",
    "QueryFailedError",
    "QueryResult",
    "QueryRun",
    "QuerySource",
    "QueryTimeoutError",
    "QueryVersion",
    "RateLimitedError",
    "Record",
    "RecordPage",
    "RecordQuery",
    "Records",
    "RequestTimeoutError",
    "ResultColumn",
    "ResultInfo",
    "RetryPolicy",
    "RoleHolder",
    "RowFault",
    "Rule",
    "SavedQuery",
    "SchemaPlan",
    "ServerError",
    "Share",
    "Snippet",
    "SourceCheck",
    "SourceCounts",
    "SourceKind",
    "SourceTable",
    "Subscription",
    "TableHandle",
    "TableOperation",
    "TableSchema",
    "Team",
    "TeamMember",
    "UnauthorizedError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "Upserted",
    "User",
    "ValidationError",
    "ValidationReport",
    "Visualization",
    "Webhook",
    "WebhookDelivery",
    "Widget",
    "__version__",
]

# Modules are loaded at first use: `penstock serve` needs none of them, and starts sooner without.
_HOMES = {
    "_alert_models": "Alert AlertDelivery Destination DestinationCheck Subscription",
    "_async.client": "AsyncClient",
    "_async.pages": "AsyncPager",
    "_async.resources.apps": "AsyncAppHandle",
    "_async.resources.edges": "AsyncEdges",
    "_async.resources.queries": "AsyncQueryRun",
    "_async.resources.records": "AsyncRecordQuery AsyncRecords",
    "_async.resources.results": "AsyncQueryResult",
    "_async.resources.tables": "AsyncTableHandle",
    "_batches": "BulkProgress",
    "_changes": "Change",
    "_dashboard_models": "Dashboard Share Widget",
    "_errors": (
        "BadRequestError ConfigurationError ConflictError ConnectionFailedError ForbiddenError "
        "GatewayTimeoutError MethodNotAllowedError NotFoundError PayloadTooLargeError PenstockError "
        "PreconditionFailedError QueryCancelledError QueryFailedError QueryTimeoutError "
        "RateLimitedError RequestTimeoutError RowFault ServerError UnauthorizedError UnavailableError "
        "UnexpectedAnswerError ValidationError"
    ),
    "_filters": "Expression F",
    "_models": (
        "Account App AppStats AppSummary AppTableStats AuditEntry Credential CredentialCheck CredentialKind "
        "DataSource DataSourceRef DataSourceStats DataSourceSummary DataTable DataTableSummary "
        "Group Health ImportReport Key NewKey PlannedStep Record RoleHolder Rule SchemaPlan "
        "SourceCounts TableOperation TableSchema Team TeamMember User ValidationReport NewWebhook "
        "Webhook WebhookDelivery"
    ),
    "_imports": "Imported ImportFault ImportProgress QuarantinedImport QuarantinedRow",
    "_pages": "Graph Page RecordPage Upserted",
    "_query_models": (
        "Job Person QueryDiff QuerySource QueryVersion ResultColumn ResultInfo SavedQuery Snippet SourceCheck "
        "SourceKind SourceTable Visualization"
    ),
    "_retry": "RetryPolicy",
    "_sync.client": "Client",
    "_sync.pages": "Pager",
    "_sync.resources.apps": "AppHandle",
    "_sync.resources.edges": "Edges",
    "_sync.resources.queries": "QueryRun",
    "_sync.resources.records": "RecordQuery Records",
    "_sync.resources.results": "QueryResult",
    "_sync.resources.tables": "TableHandle",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
