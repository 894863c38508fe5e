"""How each operation is called so that it works: what stands in its path, its query and its body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.acceptance.world import SIMPLE, World
from tests.databases import ADMIN_EMAIL, ADMIN_PASSWORD

# These are for a person who signed in, not for a key.
SIGNED_IN = ("readSession", "logout", "changePassword", "switchOrg")
# What stands in a path, by operation where it may be used up by the request.
USED_UP: Mapping[str, Callable[[World], dict[str, Any]]] = {
    "readQuarantine": lambda world: {"number": world.quarantine()},
    "showInvitation": lambda world: {"token": world.invitation()},
    "acceptInvitation": lambda world: {"token": world.invitation()},
    "showReset": lambda world: {"token": world.reset()},
    "resetPassword": lambda world: {"token": world.reset()},
    "verifyAddress": lambda world: {"token": world.confirmation()},
    "inviteUser": lambda world: {"user": world.invited()["id"]},
    "changeDataSource": lambda world: {"source": world.foreign()},
    "deleteDataSource": lambda world: {"source": world.foreign()},
    "testDataSource": lambda world: {"source": world.foreign()},
    "pauseDataSource": lambda world: {"source": world.foreign()},
    "resumeDataSource": lambda world: {"source": world.foreign()},
    "deleteQuarantine": lambda world: {"number": world.quarantine()},
    "deleteApp": lambda world: {"app": world.app()},
    "replaceApp": lambda world: {"app": world.app()},
    "updateApp": lambda world: {"app": world.app()},
    "restoreApp": lambda world: {"app": world.app(deleted=True)},
    "takeAppAccess": lambda world: {"app": world.app()},
    "takeSourceAccess": lambda world: {"source": world.source()},
    "takeTableAccess": lambda world: {"table": world.table()},
    "createRule": lambda world: {"table": world.table()},
    "giveAppAccess": lambda world: {"app": world.app()},
    "deleteSource": lambda world: {"source": world.source()},
    "replaceSource": lambda world: {"source": world.source()},
    "updateSource": lambda world: {"source": world.source()},
    "deleteTable": lambda world: {"table": world.table()},
    "deleteTableOfSource": lambda world: {"table": world.table()},
    "materializeTable": lambda world: {"table": world.table()},
    "replaceTable": lambda world: {"table": world.table()},
    "updateTable": lambda world: {"table": world.table()},
    "readChanges": lambda world: {"table": world.table()},
    "replaceTableOfSource": lambda world: {"table": world.table()},
    "updateTableOfSource": lambda world: {"table": world.table()},
    "rollBackTable": lambda world: {"table": world.altered()},
    "rollBackTableOfSource": lambda world: {"table": world.altered()},
}


def places(world: World, operation: Any, name: str) -> dict[str, Any]:
    """Real values for the parameters of a path."""
    path: str = operation.path
    table = path.split("/")[5] if path.startswith("/api/apps/shop/datatables/") else "products"
    found: dict[str, Any] = {"app": "shop", "source": "main", "table": "products", "org": "main", "number": 1}
    if "{user}" in path:
        found["user"] = world.user()
    if "{key}" in path:
        found["key"] = world.record(table) if "/data/" in path else world.api_key()
    if "{team}" in path:
        found["team"] = world.team(found.get("user"))
    if "{rule}" in path:
        found["table"], found["rule"] = world.ruled()
    if "{webhook}" in path:
        found["webhook"] = world.webhook()
    if "{delivery}" in path:
        found["delivery"] = world.delivery(found["webhook"])
    if "{credential}" in path:
        found["credential"] = world.credential()
    if "/edges" in path:
        found["table"] = "parts"
    if "/data_sources/" in path:
        found["source"] = world.numbered()
    if name == "readLinkedFile":
        found["file"] = world.link()
    elif "{query_id}" in path or "{file}" in path or "{job}" in path:
        found["query_id"] = world.query(max_age=0 if "{query_id}/jobs/" in path else -1)
        found["job"] = world.job
        found["file"] = "results.csv" if name == "downloadResults" else f"{world.result}.parquet"
        found |= {"linked": found["query_id"], "version": 1, "access_type": "modify"}
    if "{alert}" in path:
        found |= {"alert": world.alert(), "subscription": world.subscription}
    if "{destination}" in path:
        found["destination"] = world.destination()
    if "{group}" in path:
        found["group"] = world.group(found.get("user"))
        if name in ("removeGroupSource", "changeGroupSource"):
            world.post(f"/api/groups/{found['group']}/data_sources", data_source_id=found["source"])
    if "{snippet}" in path:
        found["snippet"] = world.snippet()
    if any(part in path for part in ("{dashboard}", "{visualization}", "{widget}", "{token}")):
        found["dashboard"] = world.dashboard()
        found |= {"visualization": f"{world.shown}", "widget": world.widget, "token": world.token}
        found["access_type"] = "modify"
    if "{edge}" in path:
        found["edge"] = world.edge()
    found |= USED_UP[name](world) if name in USED_UP else {}
    return {one.name: found[one.name] for one in operation.path_parameters}


# The one request that must work, where the example of the document, or no body, is not it.
BODIES: Mapping[str, Callable[[World], Any]] = {
    "login": lambda world: {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD},
    "obtainTokens": lambda world: {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD},
    "obtainCloudTokens": lambda world: {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD},
    "refreshTokens": lambda world: {"refresh": world.login()["refresh"]},
    "refreshCloudTokens": lambda world: {"refresh": world.login()["refresh"]},
    "blacklistToken": lambda world: {"refresh": world.login()["refresh"]},
    "changePassword": lambda world: {
        "current_password": "long enough for anybody",
        "new_password": "another that is long enough",
    },
    "switchOrg": lambda world: {"org": "main"},
    "addMember": lambda world: {"user": world.outsider()},
    "giveAppAccess": lambda world: {"user": world.user(), "role": "operator"},
    "giveSourceAccess": lambda world: {"user": world.user(), "role": "operator"},
    "giveTableAccess": lambda world: {"team": world.team(), "role": "operator"},
    "createRule": lambda world: {"name": world.name()},
    "createTeam": lambda world: {"slug": world.name()},
    "addTeamMember": lambda world: {"user": world.user()},
    "createTable": lambda world: {"name": world.name(), "json_schema": SIMPLE},
    "createAlert": lambda world: {
        "name": world.name(),
        "query_id": int(world.query()),
        "options": {"column": "id", "op": ">", "value": 0},
    },
    "subscribeToAlert": lambda world: {"destination_id": world.destination()},
    "createDestination": lambda world: {
        "name": world.name(),
        "type": "webhook",
        "options": {"url": "http://127.0.0.1:1/hook"},
    },
    "updateDestination": lambda world: {"name": world.name()},
    "runSql": lambda world: {"query": "SELECT 1 AS one", "data_source_id": world.numbered()},
    "giveQueryRight": lambda world: {"user_id": world.user_id(), "access_type": "modify"},
    "takeQueryRight": lambda world: {"user_id": world.user_id(), "access_type": "view"},
    "giveDashboardRight": lambda world: {"user_id": world.user_id(), "access_type": "modify"},
    "takeDashboardRight": lambda world: {"user_id": world.user_id(), "access_type": "view"},
    "addGroupMember": lambda world: {"user_id": world.user_id()},
    "addGroupSource": lambda world: {"data_source_id": world.numbered()},
    "createSnippet": lambda world: {"trigger": world.name(), "description": "", "snippet": "x"},
    "createDataSource": lambda world: {"name": world.name(), "type": "results"},
    "changeDataSource": lambda world: {"name": world.name()},
    "rollBackTable": lambda world: {"revision_id": world.newest},
    "rollBackTableOfSource": lambda world: {"revision_id": world.newest},
    "createRecords": lambda world: {"name": "Chair"},
    "upsertRecords": lambda world: [
        {"id": world.record("products"), "name": "Table"},
        {"id": 9000, "name": "New"},
    ],
    "importRecords": lambda world: b"name\nChair\n",
    "updateRecords": lambda world: [{"id": world.record("products"), "price": 3}],
    "updateRecord": lambda world: {"price": 4},
    "createThings": lambda world: {
        "code": f"XYZ-{next(world.numbers):04d}",
        "short": "987654321",
        "stock": 7,
    },
    "upsertThings": lambda world: {"id": 9001, "code": "NEW-0001", "short": "987654321", "stock": 7},
    "updateParts": lambda world: [{"id": world.record("parts"), "price": 3}],
    "updateThings": lambda world: [{"id": world.record("things"), "stock": 8}],
    "updateReviews": lambda world: [{"id": world.record("reviews"), "price": 3}],
    "createEdges": lambda world: [world.new_edge()],
    "createPartsEdges": lambda world: world.new_edge(),
    "updateEdge": lambda world: {"to": world.record("parts")},
    "updatePartsEdge": lambda world: {"to": world.record("parts"), "metadata": {"n": 1}},
    "deleteEdges": lambda world: {"edge_ids": [world.edge()]},
    "deletePartsEdges": lambda world: {"edge_ids": [world.edge()]},
    "updatePair": lambda world: [{"a": 1, "b": "x", "note": "seen"}],
    "createVisualization": lambda world: {"query_id": int(world.query()), "type": "TABLE", "name": "T"},
    "createWidget": lambda world: {"dashboard_id": int(world.dashboard()), "visualization_id": world.shown},
    "createPair": lambda world: {"a": 77, "b": "z"},
}
# Bodies that are files.
FILES: Mapping[str, str] = {"importRecords": "text/csv"}
QUERIES: Mapping[str, Callable[[World], dict[str, Any]]] = {
    "takeAppAccess": lambda world: {"org": "true"},
    "takeSourceAccess": lambda world: {"org": "true"},
    "takeTableAccess": lambda world: {"org": "true"},
    "exportAuditEntries": lambda world: {"format": "csv"},
    "exportRecords": lambda world: {"format": "csv"},
    "readLinkedFile": lambda world: {"token": world.token},
    "deleteRecords": lambda world: {"ids": str(world.record("products"))},
    "deleteThings": lambda world: {"ids": str(world.record("things"))},
    "deleteParts": lambda world: {"ids": str(world.record("parts"))},
    "deleteProducts": lambda world: {"ids": str(world.record("products"))},
    "deletePair": lambda world: {"filter": '{"a": 4}'},
    "deleteReviews": lambda world: {"ids": str(world.record("reviews"))},
    "findEdgePath": lambda world: {"from": world.record("parts"), "to": world.record("parts")},
    "findPartsEdgePath": lambda world: {"from": world.record("parts"), "to": world.record("parts")},
}


def body_of(world: World, name: str, operation: Any) -> Any:
    if name in BODIES:
        return BODIES[name](world)
    raw = operation.definition.raw.get("requestBody")
    if raw is None:
        return None
    shown: Any = next(iter(raw["content"]["application/json"]["examples"].values()))["value"]
    if isinstance(shown, dict):
        # What an example names may be taken by now.
        for key in ("slug", "username", "email"):
            if key in shown:
                shown = {**shown, key: f"{world.name()}@example.org" if key == "email" else world.name()}
    return shown
