"""Records as JSON documents in PostgreSQL, shown as typed columns by a view; reads go through it as through a table."""

from penstock.tables.models import ProviderType
from penstock.tables.providers.base import Capabilities, Feature

CAPABILITIES = Capabilities(
    ProviderType.JSONB,
    "one JSON document for each record, in PostgreSQL, with its keys and references in columns beside it",
    {
        Feature.FOREIGN_UNIQUE: "what is not the key of a table of documents is in them, "
        "where no foreign key can refer to it.",
    },
)
