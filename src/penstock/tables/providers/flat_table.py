"""Ordinary tables of PostgreSQL: each field a column. They can do everything."""

from penstock.tables.models import ProviderType
from penstock.tables.providers.base import Capabilities

CAPABILITIES = Capabilities(ProviderType.FLAT_TABLE, "ordinary PostgreSQL tables, a column for each field")
