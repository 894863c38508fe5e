"""The reference page names every route, audit action and carrier there is."""

from __future__ import annotations

import re
from pathlib import Path

from penstock.identity import ROUTES, Role
from penstock.identity.authenticate import CARRIERS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/identity.md").read_text("utf-8")


def test_every_route_is_described() -> None:
    for router in ROUTES:
        for route in router.routes:
            path = re.sub(r"\{(\w+):str\}", "{}", route.path)
            described = re.sub(r"\{[^}]*\}", "{}", PAGE)
            short = path.replace("/api/cloud/auth/jwt/token/refresh", "/api/cloud/auth/jwt/token")
            short = short.replace("/api/auth/keys/{}", "/api/auth/keys")
            known = short in described or short.replace("{}", "{…}") in PAGE
            assert known, path


def test_every_audit_action_is_described() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "src/penstock/identity").rglob("*.py"))
    actions = set(re.findall(r'audit\.record\(\s*conn,\s*[\w.]+,\s*"([a-z.]+)"', source))
    assert len(actions) > 10
    assert {action for action in actions if f"`{action}`" not in PAGE} == set()


def test_roles_and_carriers_are_described() -> None:
    for role in Role:
        assert f"`{role.label}`" in PAGE
    for name in ("Bearer", "x-api-key", "X-Session-Token", "?api_key="):
        assert name in CARRIERS
        assert name in PAGE
