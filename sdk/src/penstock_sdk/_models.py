"""The objects of the management API; unknown keys are ignored, so that older clients keep working.

Records have no model: they are dictionaries whose shape the table's schema defines.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from penstock_sdk._model import Model

__all__ = [
    "Account",
    "App",
    "AppStats",
    "AppSummary",
    "AppTableStats",
    "AuditEntry",
    "Credential",
    "CredentialCheck",
    "CredentialKind",
    "DataSource",
    "DataSourceRef",
    "DataSourceStats",
    "DataSourceSummary",
    "DataTable",
    "DataTableSummary",
    "Group",
    "Health",
    "ImportReport",
    "Key",
    "NewKey",
    "NewWebhook",
    "PlannedStep",
    "Record",
    "RoleHolder",
    "Rule",
    "SchemaPlan",
    "SourceCounts",
    "TableOperation",
    "TableSchema",
    "Team",
    "TeamMember",
    "User",
    "ValidationReport",
    "Webhook",
    "WebhookDelivery",
]


class AppSummary(Model, kw_only=True, frozen=True):
    """An app in a list."""

    id: int
    name: str
    slug: str
    description: str = ""
    datasource_count: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


class DataSourceRef(Model, kw_only=True, frozen=True):
    """A data source inside an app's detail."""

    id: int
    name: str
    slug: str
    provider_type: str
    table_count: int = 0


class App(AppSummary, kw_only=True, frozen=True):
    """An app. `etag` may be passed as `if_match` of a change."""

    table_count: int = 0
    datasources: list[DataSourceRef] = msgspec.field(default_factory=list[DataSourceRef])
    created_by: int | None = None
    modified_by: int | None = None
    etag: str | None = None


class SourceCounts(Model, kw_only=True, frozen=True):
    """Tables of one data source, counted."""

    name: str
    provider_type: str
    slug: str | None = None
    total_tables: int = msgspec.field(default=0)
    materialized_tables: int = msgspec.field(default=0)


class AppStats(Model, kw_only=True, frozen=True):
    """An app, counted."""

    app_name: str
    app_slug: str
    total_datasources: int
    total_tables: int
    materialized_tables: int
    unmaterialized_tables: int
    datasources: list[SourceCounts] = msgspec.field(default_factory=list[SourceCounts])


class DataSourceSummary(Model, kw_only=True, frozen=True):
    """A data source in a list."""

    id: int
    name: str
    slug: str
    app_name: str
    app_slug: str
    provider_type: str
    description: str = ""
    is_active: bool = True
    table_count: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


class DataSource(DataSourceSummary, kw_only=True, frozen=True):
    """A data source. `etag` may be passed as `if_match` of a change."""

    app: int
    provider_config: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    materialized_count: int = 0
    created_by: int | None = None
    modified_by: int | None = None
    etag: str | None = None


class DataSourceStats(Model, kw_only=True, frozen=True):
    """A data source, counted."""

    total_tables: int
    materialized_tables: int
    unmaterialized_tables: int
    provider_type: str
    is_active: bool


class DataTableSummary(Model, kw_only=True, frozen=True):
    """A table in a list."""

    id: int
    name: str
    datasource_name: str
    datasource_slug: str
    app_name: str
    app_slug: str
    physical_table_name: str
    is_materialized: bool
    is_active: bool = True
    field_count: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


class DataTable(DataTableSummary, kw_only=True, frozen=True):
    """A table definition with its Frictionless Table Schema. `etag` may be passed as `if_match`."""

    data_source: int
    json_schema: dict[str, Any]
    description: str = ""
    schema_hash: str
    field_names: list[str]
    primary_key: list[str]
    created_by: int | None = None
    modified_by: int | None = None
    etag: str | None = None


class AppTableStats(Model, kw_only=True, frozen=True):
    """The tables of an app, counted by data source slug."""

    total_tables: int
    materialized_tables: int
    unmaterialized_tables: int
    datasource_count: int
    datasources: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict[str, dict[str, Any]])


class TableSchema(Model, kw_only=True, frozen=True):
    """A table's schema and its SHA-256, which changes when and only when the schema does."""

    name: str
    schema: dict[str, Any]
    schema_hash: str
    field_count: int


class ValidationReport(Model, kw_only=True, frozen=True):
    """What `validate` found; rows are numbered from 0 in the messages."""

    is_valid: bool
    errors: list[str]
    validated_rows: int


class ImportReport(Model, kw_only=True, frozen=True):
    """What the import of a Data Package did; `errors` are by table."""

    created_count: int
    updated_count: int
    error_count: int
    unchanged_count: int = 0
    errors: Any = None


class PlannedStep(Model, kw_only=True, frozen=True):
    """One statement of a schema change. `destructive` ones need `allow_data_loss`."""

    table: str
    operation_type: str
    description: str
    sql: str
    rollback_sql: str | None = None
    destructive: bool = False
    rewrites: bool = False


class SchemaPlan(Model, kw_only=True, frozen=True):
    """What a schema change would do; the counts are of packages. `rows` is about how many each changed table has."""

    destructive: bool
    steps: list[PlannedStep]
    changes: list[dict[str, Any]] = msgspec.field(default_factory=list[dict[str, Any]])
    rows: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    created_count: int = 0
    updated_count: int = 0

    @property
    def is_empty(self) -> bool:
        """True when nothing would change, not even a definition."""
        return not (self.steps or self.changes or self.created_count or self.updated_count)


class TableOperation(Model, kw_only=True, frozen=True):
    """A step of what was done to a table in the database; `revision` is the change it belongs to."""

    id: int
    operation_type: str
    description: str
    sql: str
    status: str
    rollback_sql: str | None = None
    execution_time_ms: int = 0
    created_at: datetime | None = None
    revision: int | None = None
    reason: str | None = None


class User(Model, kw_only=True, frozen=True):
    """A caller: a person, or a service key, which has neither `id` nor `email`.

    `role` is the one held in the org `org`: `collaborator`, `operator`, `admin`, `owner` or None.
    """

    id: int | None
    username: str
    email: str | None = None
    first_name: str = ""
    last_name: str = ""
    kind: str = "user"
    org: str | None = None
    role: str | None = None


class Account(Model, kw_only=True, frozen=True):
    """A user of the org. `invite_link` is in the answer alone that invited them, where no mail is sent."""

    id: int
    name: str
    username: str | None = None
    email: str | None = None
    role: str | None = None
    groups: list[Any] = msgspec.field(default_factory=list[Any])
    is_disabled: bool = False
    is_invitation_pending: bool = False
    is_email_verified: bool = True
    invite_link: str | None = None
    api_key: str | None = None
    active_at: datetime | None = None
    created_at: datetime | None = None


class Group(Model, kw_only=True, frozen=True):
    """A group of the dashboard dialect: 1 are the admins, 2 everybody with a role, any other a team."""

    id: int
    name: str
    type: str = "regular"
    permissions: list[str] = msgspec.field(default_factory=list[str])
    created_at: datetime | None = None


class Key(Model, kw_only=True, frozen=True):
    """An API key without its secret; `prefix` is what is still shown of it."""

    id: int
    name: str
    prefix: str = ""
    kind: str = ""
    user_id: int | None = None
    role: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    requests_per_minute: int | None = None
    # What row rules find as `$token.<name>`.
    claims: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class NewKey(Key, kw_only=True, frozen=True):
    """A key just made: `key` is the secret, shown this once."""

    key: str


class Team(Model, kw_only=True, frozen=True):
    """Users of the org who hold roles together."""

    id: int
    slug: str
    name: str
    description: str = ""
    member_count: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


class TeamMember(Model, kw_only=True, frozen=True):
    """A user in a team; an admin of the team says who belongs to it."""

    id: int
    username: str
    email: str | None = None
    is_admin: bool = False
    joined_at: datetime | None = None


class RoleHolder(Model, kw_only=True, frozen=True):
    """Who holds a role on an app, a data source or a table; `subject` is `user`, `key`, `team` or `org`."""

    subject: str
    id: int
    name: str
    role: str


class Rule(Model, kw_only=True, frozen=True):
    """What whom it names reads and writes of a table. Filters that are None let nothing through."""

    id: int
    name: str
    subjects: dict[str, list[Any]] | None = None
    read: dict[str, Any] | None = None
    write: dict[str, Any] | None = None
    hidden_fields: list[str] = msgspec.field(default_factory=list[str])
    read_only_fields: list[str] = msgspec.field(default_factory=list[str])
    created_at: datetime | None = None
    updated_at: datetime | None = None
    created_by: int | None = None


class AuditEntry(Model, kw_only=True, frozen=True):
    """One change: who made it, to what, and in which request."""

    id: int
    at: datetime
    actor: str
    action: str
    resource_kind: str
    resource_id: str | None = None
    resource_name: str | None = None
    actor_kind: str = ""
    actor_id: int | None = None
    detail: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    request_id: str | None = None


class Credential(Model, kw_only=True, frozen=True):
    """Access to an outside system, without its secrets; `check_…` is what the last check found."""

    id: int
    name: str
    kind: str
    description: str = ""
    settings: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    created_by: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    secrets_changed_at: datetime | None = None
    checked_at: datetime | None = None
    check_ok: bool | None = None
    check_detail: str | None = None


class CredentialCheck(Model, kw_only=True, frozen=True):
    """What came of trying to connect."""

    ok: bool
    detail: str


class CredentialKind(Model, kw_only=True, frozen=True):
    """A kind of credential, with JSON Schemas of what it takes."""

    kind: str
    title: str
    settings: dict[str, Any]
    secrets: dict[str, Any]


class Webhook(Model, kw_only=True, frozen=True):
    """Where events of an app are sent; `disabled_reason` says why the server switched it off, if it did."""

    id: int
    url: str
    events: list[str]
    # Of whose records it is told, and what these fulfil.
    table: str | None = None
    filter: Any = None
    description: str = ""
    is_active: bool = True
    disabled_reason: str | None = None
    previous_secret_until: datetime | None = None
    created_by: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class NewWebhook(Webhook, kw_only=True, frozen=True):
    """A webhook just made, or given a new secret: `secret` is shown this once."""

    secret: str


class WebhookDelivery(Model, kw_only=True, frozen=True):
    """One event for one webhook; `status_code` and `error` are those of the last attempt."""

    id: int
    message_id: str
    event: str
    state: str
    attempts: int
    status_code: int | None = None
    error: str | None = None
    created_at: datetime | None = None
    attempted_at: datetime | None = None
    payload: Any = None


class Health(Model, kw_only=True, frozen=True):
    """The server's word on itself; `status` is `ok` when everything is."""

    status: str = ""
    version: str = ""
    database: Any = None
    migrations: Any = None


class Record(dict[str, Any]):
    """One row: a dictionary that knows its `etag`, which may be passed as `if_match` of an update."""

    __slots__ = ("etag",)

    def __init__(self, values: dict[str, Any], etag: str | None = None) -> None:
        super().__init__(values)
        self.etag = etag
