"""Questions in SQL over the tables of an org: parsed, held to the grants and rules of the reader, run read-only."""

from penstock.queries.errors import ValuesInvalid, ValuesMissing
from penstock.queries.models import (
    AuthorizedQuery,
    Joined,
    Parameter,
    ParameterType,
    Question,
    Scope,
    TableName,
)
from penstock.queries.run import prepare
from penstock.queries.run.bind import is_safe, names

__all__ = [
    "AuthorizedQuery",
    "Joined",
    "Parameter",
    "ParameterType",
    "Question",
    "Scope",
    "TableName",
    "ValuesInvalid",
    "ValuesMissing",
    "is_safe",
    "names",
    "prepare",
]
