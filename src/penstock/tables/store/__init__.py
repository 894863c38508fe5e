"""What this domain stores: its metadata tables, and rows to models and back."""

from penstock.tables.store.core import apps, data_sources, data_tables, idempotency_keys, operation_history

__all__ = ["apps", "data_sources", "data_tables", "idempotency_keys", "operation_history"]
