"""Write the versions of all dependencies into `pyproject.toml`, as `constraint-dependencies`.

A lock file would name the package index of the machine that made it; this pins the same versions without.
Run `uv lock --upgrade && uv run python scripts/pin.py` to move to newer ones.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
BLOCK = re.compile(r"# Pinned by scripts/pin\.py\.\nconstraint-dependencies = \[\n.*?\n\]\n", re.DOTALL)


def main() -> None:
    command = ["uv", "export", "--all-packages", "--all-extras", "--all-groups", "--no-hashes", "--no-header"]
    command += ["--no-annotate", "--no-emit-workspace"]
    exported = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  (words of our own)
    pins = [line.strip() for line in exported.stdout.splitlines() if "==" in line]
    body = "\n".join(f'    "{pin}",' for pin in pins)
    block = f"# Pinned by scripts/pin.py.\nconstraint-dependencies = [\n{body}\n]\n"
    text = PYPROJECT.read_text("utf-8")
    text = (
        BLOCK.sub(block, text)
        if BLOCK.search(text)
        else text.replace("[tool.uv]\n", f"[tool.uv]\n{block}", 1)
    )
    PYPROJECT.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
