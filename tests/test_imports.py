"""The order of the house: a module imports only from packages above its own, and of a domain only its `__init__`."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "penstock"
SDK = ROOT / "sdk" / "src" / "penstock_sdk"
# From the bottom up; a package may use those before it.
ORDER = ("kit", "identity", "connectors", "notifications", "tables", "queries", "server")
# Declarations without behaviour, which the parent process reads without loading the domain behind them.
OPEN_MODULES = ("settings",)
SERVER_COMMANDS = ("cli/",)
# Large, and wanted by few requests: loaded by the function that needs them. They made each process twice the size.
LATER = (
    "adbc_driver_postgresql", "alembic", "duckdb", "jinja2", "joserfc", "markdown_it", "obstore", "pyarrow", "pydantic",
    "pygments", "pymongo", "rich", "sqlglot", "vl_convert",
)  # fmt: skip


def modules(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every module that a file imports from, and the names it takes."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module, tuple(alias.name for alias in node.names)


def ours(path: Path) -> Iterator[tuple[str, str]]:
    """(package, what of it) for every import of the product: ("identity", "models") for `penstock.identity.models`."""
    for module, names in imports(path):
        parts = module.split(".")
        if parts[0] != "penstock":
            continue
        if len(parts) == 1:
            yield from ((name, "") for name in names if name in ORDER)
        else:
            yield parts[1], ".".join(parts[2:])


@pytest.mark.parametrize("path", modules(SOURCE), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_follow_the_order(path: Path) -> None:
    relative = path.relative_to(SOURCE)
    if len(relative.parts) == 1:
        return
    own = relative.parts[0]
    assert own in ORDER, f"{own} is not a package of the house; put it into ORDER"
    for package, inside in ours(path):
        assert ORDER.index(package) <= ORDER.index(own), (
            f"{relative} imports penstock.{package}, which comes after it"
        )
        if package not in (own, "kit") and inside not in ("", *OPEN_MODULES):
            pytest.fail(
                f"{relative} reaches into penstock.{package}.{inside}; import from penstock.{package}"
            )


@pytest.mark.parametrize("path", modules(SDK), ids=lambda path: str(path.relative_to(SDK)))
def test_the_client_stands_alone(path: Path) -> None:
    relative = str(path.relative_to(SDK))
    if relative.startswith(SERVER_COMMANDS):
        return
    assert not list(ours(path)), f"{relative} imports the server"


def test_the_toolbox_is_entered_by_module() -> None:
    """`kit` has no facade: importing one tool must not load the others."""
    tree = ast.parse((SOURCE / "kit" / "__init__.py").read_text("utf-8"))
    assert [type(node) for node in tree.body] == [ast.Expr]


def test_an_idle_server_has_no_large_libraries() -> None:
    program = (
        "import sys; from penstock.server import app, jobs, processes, worker; app.framework();"
        f"print(*sorted(set({LATER!r}) & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
