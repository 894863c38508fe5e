"""`python -m penstock.server`: what `penstock serve` does, without the client's packages."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from penstock.server.commands import serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="penstock serve", description="Serve until stopped.")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--database-url")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--config", type=Path)
    return serve(**vars(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
