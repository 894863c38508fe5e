"""Migrations are one chain: each revision once, numbered in order, named like its file."""

from __future__ import annotations

from pathlib import Path

from penstock.server import migrations


def test_one_chain() -> None:
    directory = migrations.script()
    assert len(directory.get_heads()) == 1
    chain = [one.revision for one in directory.walk_revisions()][::-1]
    assert chain == [f"{number:04d}" for number in range(1, len(chain) + 1)]
    files = sorted(Path(directory.versions).glob("[0-9]*.py"))
    assert [path.name[:4] for path in files] == chain
