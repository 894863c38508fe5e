from __future__ import annotations

from penstock.kit.openapi import GONE, Access, Body, One, Reply, path

OPEN = Access("Anybody.", lambda caller: True, is_public=True)
THING = path("thing", "Id of the thing.", "1")
REPLY = Reply(status=200, description="The thing.", schema={"type": "object"})


def test_operations_on_one_thing_share_its_address_and_answer() -> None:
    one = One("/api/things/{thing}", "Things", (THING,), REPLY)
    read = one.read("readThing", "Read it", OPEN)
    change = one.change("changeThing", "Change it", OPEN, Body(schema={}), method="put", errors=(409,))
    delete = one.delete("deleteThing", "Delete it", OPEN, description="For good.")
    assert [each.method for each in (read, change, delete)] == ["get", "put", "delete"]
    for each in (read, change, delete):
        assert (each.path, each.tag, each.parameters) == ("/api/things/{thing}", "Things", (THING,))
    assert (read.replies, change.replies, delete.replies) == ((REPLY,), (REPLY,), (GONE,))
    assert change.statuses() == [400, 404, 409, 413]
