"""Writes the synchronous client from the asynchronous one: `python scripts/async_to_sync.py [--check]`.

Works on the text, so that comments and layout stay; ruff then sorts imports and folds lines. `--check`
changes nothing and fails when a generated file is stale.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "sdk/src/penstock_sdk"
BANNER = "# Generated from {source} by scripts/async_to_sync.py; change that file instead.\n"

RULES = [
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"^from collections\.abc import (.*)\bAwaitable, ", r"from collections.abc import \1"),
    (r"\bAwaitable\[((?:[^\[\]]|\[[^\[\]]*\])*)\]", r"\1"),
    (r"\bAsync([A-Z]\w*)", r"\1"),
    (r"\b_async\b", "_sync"),
    (r"\basync_(\w+)", r"\1"),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\b__aiter__\b", "__iter__"),
    (r"\baclose\b", "close"),
    (r"\baread\b", "read"),
    (r"\baiter_(bytes|lines)\b", r"iter_\1"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\[item for item in self\]", "list(self)"),
    (r"\btask\b", "thread"),
    (r"\btasks\b", "threads"),
    (r"for asynchronous programs;.*generates the synchronous one from it", "for synchronous programs"),
    (r"for (\w+) in (.+):\n\s+yield \1$", r"yield from \2"),
]


def sync_source(source: str) -> str:
    """The synchronous twin of a module's text, not yet formatted."""
    for pattern, replacement in RULES:
        source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
    return source


def formatted(source: str, path: Path) -> str:
    """`source` with sorted imports and folded lines."""
    for arguments in (["check", "--select", "I", "--fix", "--quiet"], ["format", "--quiet"]):
        done = subprocess.run(  # noqa: S603 - our own linter
            [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(path), "-"],
            input=source,
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        source = done.stdout
    return source


def generated() -> dict[Path, str]:
    """Every file of the synchronous client with the text it should have."""
    found: dict[Path, str] = {}
    for source in sorted((PACKAGE / "_async").rglob("*.py")):
        target = PACKAGE / "_sync" / source.relative_to(PACKAGE / "_async")
        banner = BANNER.format(source=source.relative_to(PACKAGE).as_posix())
        found[target] = formatted(banner + "\n" + sync_source(source.read_text()), target)
    return found


def stale() -> list[Path]:
    """The files that are missing, outdated or left over."""
    wanted = generated()
    present = set((PACKAGE / "_sync").rglob("*.py"))
    changed = [path for path, text in wanted.items() if path not in present or path.read_text() != text]
    return sorted([*changed, *(present - set(wanted))])


def main() -> int:
    if "--check" in sys.argv[1:]:
        files = stale()
        for path in files:
            print(f"{path.relative_to(ROOT)} is stale: run scripts/async_to_sync.py")
        return 1 if files else 0
    for path in stale():
        if (text := generated().get(path)) is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
