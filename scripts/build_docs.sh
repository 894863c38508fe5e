#!/usr/bin/env bash
# Build the documentation; a link to a page that does not exist is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
uv run --no-sync zensical build --strict
