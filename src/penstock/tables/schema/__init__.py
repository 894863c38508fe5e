"""The schema language: reading it, checking values against it, and making tables of it."""

from penstock.tables.schema.companion import column_edges, companion_steps, edges_definition, edges_place
from penstock.tables.schema.ddl import Place, Step, Violation, search_expression, violations
from penstock.tables.schema.language import SEARCH_COLUMN, canonical_hash, parse_schema
from penstock.tables.schema.materialize import Done, place_of, plan, run
from penstock.tables.schema.parts import raw_without, without

__all__ = [
    "SEARCH_COLUMN", "Done", "Place", "Step", "Violation", "canonical_hash", "column_edges", "companion_steps",
    "edges_definition", "edges_place", "parse_schema", "place_of", "plan", "raw_without", "run",
    "search_expression", "violations", "without",
]  # fmt: skip
