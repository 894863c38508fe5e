"""Questions in SQL over the tables of an org: parsed, held to the grants and rules of the reader, run read-only."""

from penstock.queries import operations
from penstock.queries.assembly import install, stop
from penstock.queries.errors import ValuesInvalid, ValuesMissing
from penstock.queries.jobs import HANDLERS, SCHEDULES
from penstock.queries.loading import load_soon
from penstock.queries.models import (
    AuthorizedQuery,
    Joined,
    Parameter,
    ParameterType,
    Question,
    Scope,
    TableName,
)
from penstock.queries.routes import ROUTES
from penstock.queries.run import prepare
from penstock.queries.run.marks import is_safe, names

__all__ = [
    "HANDLERS",
    "ROUTES",
    "SCHEDULES",
    "AuthorizedQuery",
    "Joined",
    "Parameter",
    "ParameterType",
    "Question",
    "Scope",
    "TableName",
    "ValuesInvalid",
    "ValuesMissing",
    "install",
    "is_safe",
    "load_soon",
    "names",
    "operations",
    "prepare",
    "stop",
]
