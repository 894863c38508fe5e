# Generated from _async/resources/tables.py by scripts/async_to_sync.py; change that file instead.

"""Table definitions of an app. Their records are in `records`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from penstock_sdk._models import (
    AppTableStats,
    DataTable,
    DataTableSummary,
    ImportReport,
    SchemaPlan,
    TableOperation,
    TableSchema,
    ValidationReport,
)
from penstock_sdk._sync.pages import Pager
from penstock_sdk._sync.resources.access import Access
from penstock_sdk._sync.resources.base import Resource, flags, given, matching, segment, tagged
from penstock_sdk._sync.resources.edges import Edges
from penstock_sdk._sync.resources.quarantine import Quarantine
from penstock_sdk._sync.resources.records import Records
from penstock_sdk._sync.resources.rules import Rules
from penstock_sdk._sync.transport import Transport

Schema = Mapping[str, Any]


class _History(msgspec.Struct):
    data: list[TableOperation]


class Tables(Resource):
    """The table definitions of one app, of all its data sources."""

    def __init__(self, transport: Transport, app_path: str) -> None:
        super().__init__(transport, f"{app_path}datatables/")
        self._app_path = app_path

    def list(
        self, *, source: str | None = None, is_materialized: bool | None = None, page_size: int = 100
    ) -> Pager[DataTableSummary]:
        """All tables, or those of a data source, or only those (not) materialized."""
        filters: list[tuple[str, str]] = []
        if source is not None:
            filters.append(("datasource", source))
        if is_materialized is not None:
            filters.append(("is_materialized", "true" if is_materialized else "false"))
        return self._pager(self._path, DataTableSummary, page_size, filters)

    def get(self, name: str) -> DataTable:
        """One table. A NotFoundError when there is none."""
        return tagged(self._transport.request("GET", self._of(name)), DataTable)

    def create(
        self,
        source: str,
        name: str,
        json_schema: Schema,
        *,
        description: str | None = None,
        materialize: bool = False,
    ) -> DataTable:
        """A new table in a data source; without `materialize` it is built at the first use of its records."""
        path = f"{self._app_path}datasources/{segment(source)}/datatables/"
        body = given(name=name, json_schema=json_schema, description=description)
        params = flags({"materialize": materialize})
        return tagged(self._transport.request("POST", path, params=params, body=body), DataTable)

    def update(
        self,
        name: str,
        *,
        json_schema: Schema | None = None,
        description: str | None = None,
        allow_data_loss: bool = False,
        if_match: str | None = None,
    ) -> DataTable:
        """Changes what is given; `json_schema` replaces the whole schema, and its records are migrated."""
        body = given(json_schema=json_schema, description=description)
        params = flags({"allow_data_loss": allow_data_loss})
        answer = self._transport.request(
            "PATCH", self._of(name), params=params, body=body, headers=matching(if_match)
        )
        return tagged(answer, DataTable)

    def plan(self, name: str, json_schema: Schema) -> SchemaPlan:
        """What `update` with this schema would do; nothing is written."""
        answer = self._transport.request(
            "PATCH", self._of(name), params=[("dry_run", "true")], body={"json_schema": json_schema}
        )
        return answer.as_type(SchemaPlan)

    def history(self, name: str, *, status: str | None = None) -> Sequence[TableOperation]:
        """The newest operations on the table in the database, at most a hundred."""
        params = [("page_size", "100"), *([("status", status)] if status else [])]
        path = f"{self._of(name)}operation-history/"
        return (self._transport.request("GET", path, params=params)).as_type(_History).data

    def rollback(self, name: str, revision_id: int) -> DataTable:
        """Takes back the newest schema change; `revision_id` is the id of one of its operations."""
        path = f"{self._of(name)}rollback/"
        answer = self._transport.request("POST", path, body={"revision_id": revision_id})
        return tagged(answer, DataTable)

    def delete(self, name: str, *, force: bool = False) -> None:
        """Deletes a table. A ConflictError when another table refers to it, unless `force` is set."""
        self._transport.request("DELETE", self._of(name), params=flags({"force": force}))

    def schema(self, name: str) -> TableSchema:
        """The schema of a table and its hash."""
        path = f"{self._nested(name)}schema/"
        return (self._transport.request("GET", path)).as_type(TableSchema)

    def validate(self, name: str, rows: Sequence[Mapping[str, Any]]) -> ValidationReport:
        """Checks rows against the schema; nothing is written."""
        path = f"{self._nested(name)}validate_data/"
        answer = self._transport.request("POST", path, body={"data": list(rows)})
        return answer.as_type(ValidationReport)

    def materialize(self, name: str) -> DataTable:
        """Builds the table in the database now, and the tables it refers to."""
        path = f"{self._nested(name)}materialize/"
        return tagged(self._transport.request("POST", path), DataTable)

    def import_package(
        self,
        package: Mapping[str, Any],
        *,
        source: str | None = None,
        materialize: bool = False,
        allow_data_loss: bool = False,
    ) -> ImportReport:
        """Creates or replaces the tables of a Frictionless Data Package, in the order references need."""
        params = flags({"materialize": materialize, "allow_data_loss": allow_data_loss})
        if source is not None:
            params.append(("datasource", source))
        path = f"{self._path}create_schema/"
        return (self._transport.request("POST", path, params=params, body=package)).as_type(ImportReport)

    def plan_package(self, package: Mapping[str, Any], *, source: str | None = None) -> SchemaPlan:
        """What `import_package` with `materialize` would do; nothing is written."""
        params = [("dry_run", "true"), *([("datasource", source)] if source else [])]
        path = f"{self._path}create_schema/"
        return (self._transport.request("POST", path, params=params, body=package)).as_type(SchemaPlan)

    def stats(self) -> AppTableStats:
        """The tables of the app, counted by data source."""
        return (self._transport.request("GET", f"{self._path}stats/")).as_type(AppTableStats)

    def _nested(self, name: str) -> str:
        # These three routes exist only below the data source.
        table = self.get(name)
        return f"{self._app_path}datasources/{segment(table.datasource_slug)}/datatables/{segment(name)}/"

    def _of(self, name: str) -> str:
        return f"{self._path}{segment(name)}/"


class TableHandle:
    """One table by its name, without asking the server."""

    def __init__(self, transport: Transport, app_path: str, name: str) -> None:
        self.name = name
        self._tables = Tables(transport, app_path)
        self.records = Records(transport, f"{app_path}datatables/{segment(name)}/data/")
        self.edges = Edges(transport, f"{app_path}datatables/{segment(name)}/edges/")
        self.quarantine = Quarantine(transport, f"{app_path}datatables/{segment(name)}/quarantine/")
        self.rules = Rules(transport, f"{app_path}datatables/{segment(name)}/rules/")
        self.access = Access(transport, f"{app_path}datatables/{segment(name)}/access/")

    def get(self) -> DataTable:
        """The definition of the table."""
        return self._tables.get(self.name)

    def schema(self) -> TableSchema:
        """The schema of the table and its hash."""
        return self._tables.schema(self.name)
