"""The README's examples, run against the demo that its first command starts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import free_port

README = Path(__file__).parent.parent / "README.md"
EXAMPLE = re.compile(
    r"<!-- example: (?P<language>\w+) -->\n```\w+\n(?P<code>.*?)```\n\n<!-- answer -->\n```\w+\n(?P<answer>.*?)```",
    re.DOTALL,
)


@dataclass(frozen=True)
class Demo:
    url: str
    key: str


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`penstock demo` as its own process, until it serves."""
    directory, port = tmp_path_factory.mktemp("demo"), free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    command = [
        sys.executable,
        "-m",
        "penstock_sdk.cli",
        "demo",
        "--data-dir",
        str(directory / "data"),
        "--port",
        str(port),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    assert process.stdout is not None
    key, lines = "", []
    try:
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Key "):
                key = line.split()[1]
            if line.startswith("Serving"):
                break
        assert key, "".join(lines)
        yield Demo(f"http://127.0.0.1:{port}", key)
    finally:
        process.terminate()
        process.stdout.close()
        process.wait(30)


def test_every_example_gives_its_answer(demo: Demo) -> None:
    environment = {**os.environ, "KEY": demo.key, "PENSTOCK_KEY": demo.key, "PENSTOCK_URL": demo.url}
    found = list(EXAMPLE.finditer(README.read_text("utf-8")))
    assert [one["language"] for one in found] == ["curl", "python", "python", "python"]
    for example in found:
        code = example["code"].replace("http://127.0.0.1:5001", demo.url)
        command = ["bash", "-c", code] if example["language"] == "curl" else [sys.executable, "-c", code]
        result = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        assert result.returncode == 0, result.stderr
        if example["language"] == "curl":
            assert json.loads(result.stdout) == json.loads(example["answer"])
        else:
            assert result.stdout == example["answer"]


def test_the_two_commands_stand_there() -> None:
    commands = re.findall(r"```console\n(.*?)\n```", README.read_text("utf-8"), re.DOTALL)
    assert commands[:2] == ["pip install uv && uv run penstock demo", "uv run pytest"]
