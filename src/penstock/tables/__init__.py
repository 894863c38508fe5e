"""Apps, data sources and data tables: their definitions, and their records over HTTP."""
