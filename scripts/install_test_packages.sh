#!/usr/bin/env bash
# Install what the tests need from the operating system (Debian): a PostgreSQL that is not ours, a pooler,
# and a MariaDB.
set -euo pipefail

missing=()
[ -x /usr/lib/postgresql/15/bin/postgres ] || missing+=(postgresql-15)
[ -x /usr/sbin/pgbouncer ] || missing+=(pgbouncer)
[ ${#missing[@]} -eq 0 ] && [ -x /usr/sbin/mariadbd ] && exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q
"${as_root[@]}" apt-get install -q -y --no-install-recommends postgresql-common
# The tests make their own clusters; the package need not start one.
"${as_root[@]}" sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
[ ${#missing[@]} -eq 0 ] || "${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"
# What cannot be installed is not tested; its tests say so.
[ -x /usr/sbin/mariadbd ] ||
  "${as_root[@]}" apt-get install -q -y --no-install-recommends mariadb-server ||
  echo "mariadb-server could not be installed: tests that need it are skipped."
