#!/usr/bin/env bash
# Tell which generated files are stale, by making them anew beside what is committed.
set -euo pipefail
cd "$(dirname "$0")/.."
uv run --no-sync python scripts/async_to_sync.py --check
uv run --no-sync python scripts/cli_reference.py --check
uv run --no-sync python scripts/settings_reference.py --check
diff <(uv run --no-sync python -m penstock.kit.operators) docs/reference/filters.md
diff <(uv run --no-sync python -m penstock.server.reference) docs/reference/api.md
diff <(uv run --no-sync python -m penstock.tables.providers) docs/reference/providers.md
diff <(uv run --no-sync python -m penstock.queries.reference) docs/reference/sql.md
