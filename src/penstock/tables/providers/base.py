"""What a storage provider can do, said in one value; what it cannot do is refused with the reason given here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from penstock.kit import errors
from penstock.tables.models import ProviderType


class Feature(StrEnum):
    """What providers may differ in; everything else each of them must be able to do."""

    RECORDS = "reading and writing records"
    RELATED = "conditions on related records, and populating them"
    FOREIGN_KEYS = "foreign keys to the key of another table"
    FOREIGN_UNIQUE = "foreign keys to a unique field that is not the key"
    ATOMIC = "requests that write several records, wholly or not at all"
    SEARCH = "full-text search"
    SEARCH_CONDITIONS = "conditions on the search vector of a record, or of a related one"
    AGGREGATES = "aggregates"
    DIVISION = "division inside aggregates"
    EXPRESSION_INDEXES = "indexes of an expression, and of the records that fulfil a condition"
    GRAPH = "edges and walks"
    SELF_REFERENCE = "hierarchies that a field of the records says (`self_reference`)"
    SHORTEST_PATH = "the shortest path between two records"
    VECTORS = "fields of type `vector`"
    CHANGES = "change feeds"
    SCHEMA_CHANGES = "changing the schema of a table in use"
    AUDIT = "an audit entry for each change of a record (`audit`)"
    DOCUMENT_TEXT = "text operators on fields of type `object`, `array` and `any`"
    LONG_NUMBERS = "numbers of more than 34 digits"
    ALLOWED_ACTIONS = "what may be done with each record of an answer (`allowed_actions`)"
    FILES = "imports and exports"
    BATCH = "batches of steps"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`storage` is how records are kept; `refused` are the features that are missing, each with a whole sentence."""

    provider: ProviderType
    storage: str
    refused: Mapping[Feature, str] = field(default_factory=dict[Feature, str])

    def can(self, feature: Feature) -> bool:
        return feature not in self.refused

    def require(self, feature: Feature, table_name: str) -> None:
        """Raises `BadRequest` with the reason when the provider of this table lacks the feature."""
        reason = self.refused.get(feature)
        if reason is not None:
            raise errors.BadRequest(
                f"The data source of '{table_name}' has the provider '{self.provider}': {reason}",
                hint="The page 'Storage providers' of the reference lists what each provider can do.",
            )
