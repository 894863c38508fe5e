"""Questions in SQL over the tables of an org: parsed, held to the grants and rules of the reader, run read-only."""

from penstock.queries.models import (
    AuthorizedQuery,
    Joined,
    Parameter,
    ParameterType,
    Question,
    Scope,
    TableName,
)

__all__ = [
    "AuthorizedQuery",
    "Joined",
    "Parameter",
    "ParameterType",
    "Question",
    "Scope",
    "TableName",
]
