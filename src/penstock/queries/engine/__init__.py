"""Queries over several systems: the tables are brought to DuckDB, as far as they are needed, and asked there."""
