"""The verbs of this domain. None opens or commits a transaction.

Verbs that change anything expect the app to be locked (`store.find_app(..., lock=True)`), so that changes of
one app's definitions go one after another.
"""

from penstock.tables.service.apps import create_app, delete_app, restore_app, update_app
from penstock.tables.service.importing import Imported, Incoming, import_package
from penstock.tables.service.materializing import materialize, settle
from penstock.tables.service.migrating import ChangeFailed, Migrated, Terms, record_failure
from penstock.tables.service.rolling_back import roll_back
from penstock.tables.service.sources import create_source, default_source, delete_source, update_source
from penstock.tables.service.tables import create_table, delete_table, reread, update_table
from penstock.tables.service.validating import validate_data

__all__ = [
    "ChangeFailed",
    "Imported",
    "Incoming",
    "Migrated",
    "Terms",
    "create_app",
    "create_source",
    "create_table",
    "default_source",
    "delete_app",
    "delete_source",
    "delete_table",
    "import_package",
    "materialize",
    "record_failure",
    "reread",
    "restore_app",
    "roll_back",
    "settle",
    "update_app",
    "update_source",
    "update_table",
    "validate_data",
]
