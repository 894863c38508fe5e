"""Outside systems, and the encrypted credentials that we hold for them."""

from penstock.connectors import operations
from penstock.connectors.access import authorize
from penstock.connectors.jobs import HANDLERS, SCHEDULES
from penstock.connectors.kinds.mongodb import client_of as mongodb_client
from penstock.connectors.models import Credential
from penstock.connectors.routes import ROUTES
from penstock.connectors.service import credential_named, find_credential, opened

__all__ = [
    "HANDLERS",
    "ROUTES",
    "SCHEDULES",
    "Credential",
    "authorize",
    "credential_named",
    "find_credential",
    "mongodb_client",
    "opened",
    "operations",
]
