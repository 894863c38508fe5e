"""An embedded PostgreSQL under our own supervision: one server per data directory, shared by its users.

`start` begins or joins, `Cluster.close` leaves, and the last one out stops the server. Roles, databases and
schemas are made by who uses it.
"""

from __future__ import annotations

from .archive import Manifest
from .backup import backup, read_manifest, restore
from .cluster import Cluster, start
from .failure import ClusterError
from .install import MAJOR, binaries

__all__ = [
    "MAJOR",
    "Cluster",
    "ClusterError",
    "Manifest",
    "backup",
    "binaries",
    "read_manifest",
    "restore",
    "start",
]
