"""The examples of the pages in docs/guides, run in order against a real server and compared with the answers shown.

A ```console block is a command, a ```python block goes on where the page's last one ended; a ```json or ```text block
right after one is its answer, in which `…` stands for whatever is there.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from penstock_sdk import Client
from tests.conftest import RunningServer, running_server
from tests.databases import Databases
from tests.mongodb import replica_set

__all__ = ["replica_set"]

DOCS = Path(__file__).parent.parent / "docs"
GUIDES = sorted((DOCS / "guides").glob("*.md"))
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:5001"
ANYTHING = "…"


@dataclass(frozen=True)
class Example:
    line: int
    language: str
    code: str
    answer: str | None


def examples(page: str) -> list[Example]:
    """What of a page runs, with the answer that follows."""
    found: list[Example] = []
    blocks = list(BLOCK.finditer(page))
    for position, block in enumerate(blocks):
        if block["language"] not in ("console", "python"):
            continue
        answer = None
        if position + 1 < len(blocks):
            following = blocks[position + 1]
            beside = not page[block.end() : following.start()].strip()
            if beside and following["language"] in ("json", "text"):
                answer = following["text"]
        line = page.count("\n", 0, block.start()) + 1
        found.append(Example(line, block["language"], block["text"], answer))
    return found


def agrees(shown: Any, real: Any) -> bool:
    """Equal, but for `…`: a value, the rest of a list, or (as a key) the other keys of an object."""
    if shown == ANYTHING:
        return True
    if isinstance(shown, dict) and isinstance(real, dict):
        named = shown.keys() - {ANYTHING}
        complete = ANYTHING in shown or shown.keys() == real.keys()
        return complete and named <= real.keys() and all(agrees(shown[name], real[name]) for name in named)
    if isinstance(shown, list) and isinstance(real, list):
        if shown and shown[-1] == ANYTHING:
            shown, real = shown[:-1], real[: len(shown) - 1]
        return len(shown) == len(real) and all(agrees(*pair) for pair in zip(shown, real, strict=True))
    return bool(shown == real)


def text_agrees(shown: str, real: str) -> bool:
    parts = (re.escape(part) for part in shown.strip().split(ANYTHING))
    return re.fullmatch(".*".join(parts), real.strip(), re.DOTALL) is not None


@pytest.fixture
def fresh(
    databases: Databases, tmp_path: Path, page: Path, request: pytest.FixtureRequest
) -> Iterator[RunningServer]:
    """A server of the page's own, with the app `guide` and its data source `main`."""
    more: dict[str, str] = {}
    if page.stem in ("mongodb", "providers"):
        more["PENSTOCK_MONGODB_URL"] = request.getfixturevalue("replica_set")
    with (
        databases.clone() as cloned,
        running_server(tmp_path / "server", {**cloned.environment, **more}) as started,
    ):
        with Client(started.url, key=started.key) as client:
            client.apps.create("Guide")
            client.app("guide").sources.create("Main")
        yield started


@pytest.mark.parametrize(
    "page", [page for page in GUIDES if examples(page.read_text("utf-8"))], ids=lambda page: page.stem
)
def test_every_example_gives_its_answer(
    page: Path,
    fresh: RunningServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if page.stem == "vector-search":
        request.getfixturevalue("pgvector")
    (tmp_path / ".curlrc").write_text("silent\nshow-error\nfail-with-body\n")
    scripts = Path(sys.executable).parent
    for name, value in {
        "KEY": fresh.key,
        "PENSTOCK_KEY": fresh.key,
        "PENSTOCK_URL": fresh.url,
        "CURL_HOME": str(tmp_path),
        "PATH": f"{scripts}:{os.environ['PATH']}",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": page.stem}
    try:
        for example in examples(page.read_text("utf-8")):
            where = f"{page.name}:{example.line}"
            code = example.code.replace(ADDRESS, fresh.url)
            real = _python(code, names, where) if example.language == "python" else _console(code, example)
            if example.answer is not None:
                shown = example.answer.replace(ADDRESS, fresh.url)
                assert _same(shown, real), f"{where} answers\n{real}\nand not\n{shown}"
    finally:
        for value in names.values():
            if isinstance(value, Client):
                value.close()


def _python(code: str, names: dict[str, Any], where: str) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, where, "exec"), names)
    return output.getvalue()


def _console(code: str, example: Example) -> str:
    result = subprocess.run(["bash", "-ec", code], capture_output=True, text=True, timeout=120, check=False)
    # An answer that is shown may well be a refusal.
    assert result.returncode == 0 or example.answer is not None, result.stdout + result.stderr
    return result.stdout or result.stderr


def _same(shown: str, real: str) -> bool:
    try:
        return agrees(json.loads(shown), json.loads(real))
    except json.JSONDecodeError:
        return text_agrees(shown, real)


def test_every_guide_is_on_the_front_page() -> None:
    front = (DOCS / "index.md").read_text("utf-8")
    assert [page.name for page in GUIDES if f"guides/{page.name}" not in front] == []


@pytest.mark.parametrize(
    ("shown", "real", "same"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1, "…": "…"}, {"a": 1, "b": 2}, True),
        ({"b": 1, "…": "…"}, {"a": 1}, False),
        ({"a": "…"}, {"a": [1]}, True),
        ([1, "…"], [1, 2, 3], True),
        ([1, "…"], [], False),
        ([1, 2], [1], False),
    ],
)
def test_an_ellipsis_stands_for_anything(shown: Any, real: Any, same: bool) -> None:
    assert agrees(shown, real) is same


def test_an_answer_belongs_to_the_block_before_it() -> None:
    page = "```console\nls\n```\n\n```text\na\n```\n\n```python\n1\n```\nIt says\n```json\n2\n```\n```toml\n```\n"
    assert [(one.line, one.code, one.answer) for one in examples(page)] == [
        (1, "ls\n", "a\n"),
        (9, "1\n", None),
    ]
    assert text_agrees("a … c\n", "a b c")
    assert not text_agrees("a … c", "a b")
