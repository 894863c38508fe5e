"""OpenAPI 3.1: operations declared as values, and the document made of those that a reader may see.

Which operations there are, and who may call them, the domains say; how the schemas of their wire shapes look,
msgspec does.
"""

from penstock.kit.openapi.declare import Access, Body, Operation, Parameter, Reply, Schema
from penstock.kit.openapi.document import Info, document
from penstock.kit.openapi.kept import Document, Documents, answer
from penstock.kit.openapi.parts import GONE, PAGING, One, flag, path
from penstock.kit.openapi.schemas import described, envelope, in_either_shape, nullable, ref

__all__ = [
    "GONE",
    "PAGING",
    "Access",
    "Body",
    "Document",
    "Documents",
    "Info",
    "One",
    "Operation",
    "Parameter",
    "Reply",
    "Schema",
    "answer",
    "described",
    "document",
    "envelope",
    "flag",
    "in_either_shape",
    "nullable",
    "path",
    "ref",
]
