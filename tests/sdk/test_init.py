from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import penstock_sdk

PACKAGE = Path(penstock_sdk.__file__).parent


def test_the_public_list_the_type_checker_s_imports_and_the_lazy_homes_agree() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {
        (alias.name, node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = {
        (name, f"penstock_sdk.{module}")
        for module, names in penstock_sdk._HOMES.items()
        for name in names.split()
    }
    assert imported == homes
    assert {name for name, _ in homes} | {"__version__"} == set(penstock_sdk.__all__)


def test_every_public_name_exists() -> None:
    for name in penstock_sdk.__all__:
        assert getattr(penstock_sdk, name) is not None
    assert set(penstock_sdk.__all__) <= set(dir(penstock_sdk))


def test_models_and_errors_are_public_without_exception() -> None:
    for module in ("_models", "_query_models", "_alert_models", "_dashboard_models", "_errors"):
        assert set(import_module(f"penstock_sdk.{module}").__all__) <= set(penstock_sdk.__all__)


def test_every_other_module_is_private() -> None:
    public = {path.stem for path in PACKAGE.iterdir() if not path.name.startswith("_")}
    assert public <= {"cli", "py", "typed"}


def test_importing_the_package_loads_no_http_library() -> None:
    code = "import sys, penstock_sdk.cli; sys.exit('httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_sdk_imports_nothing_of_the_server() -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not any(name.split(".")[0] == "penstock" for name in names), path
