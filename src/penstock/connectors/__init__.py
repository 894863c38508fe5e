"""Outside systems, and the encrypted credentials that we hold for them."""

from penstock.connectors import operations
from penstock.connectors.access import authorize
from penstock.connectors.jobs import HANDLERS, SCHEDULES
from penstock.connectors.kinds import KINDS, Kind, mysql, postgresql
from penstock.connectors.kinds import csv as csv_files
from penstock.connectors.kinds import duckdb as duckdb_file
from penstock.connectors.kinds import parquet as parquet_files
from penstock.connectors.kinds import sqlite as sqlite_file
from penstock.connectors.kinds.base import CheckFailed, TableShape
from penstock.connectors.kinds.files import located
from penstock.connectors.kinds.mongodb import client_of as mongodb_client
from penstock.connectors.models import CheckResult, Credential
from penstock.connectors.routes import ROUTES
from penstock.connectors.schemas import CredentialCreate, CredentialPatch
from penstock.connectors.service import (
    check,
    create_credential,
    credential_named,
    delete_credential,
    describe,
    find_credential,
    opened,
    reach_of,
    update_credential,
)

__all__ = [
    "HANDLERS",
    "KINDS",
    "ROUTES",
    "SCHEDULES",
    "CheckFailed",
    "CheckResult",
    "Credential",
    "CredentialCreate",
    "CredentialPatch",
    "Kind",
    "TableShape",
    "authorize",
    "check",
    "create_credential",
    "credential_named",
    "csv_files",
    "delete_credential",
    "describe",
    "duckdb_file",
    "find_credential",
    "located",
    "mongodb_client",
    "mysql",
    "opened",
    "operations",
    "parquet_files",
    "postgresql",
    "reach_of",
    "sqlite_file",
    "update_credential",
]
