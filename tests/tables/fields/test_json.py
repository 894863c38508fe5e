"""JSON documents: what their numbers may be."""

from __future__ import annotations

import msgspec
import pytest

from penstock.tables.fields.json import bounded
from tests.tables.workbench import ID, Workbench

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "document",
    [
        '{"n": 1e999}',
        "[1e-999]",
        '"1e99999"',
        '{"1e99999": "2E+1000"}',
        "[0.5, 1e20]",
        "9" * 5000,
        '["1e1234", 5]',
    ],
)
def test_numbers_that_may_be_in_a_document(document: str) -> None:
    assert bounded(msgspec.Raw(document.encode())) is None


@pytest.mark.parametrize("number", ["1e1000", "-1E+131000", "1e-1001", "1e0001000", "1e99999999999999999999"])
@pytest.mark.parametrize("kind", ["object", "any", "array", "geojson"])
async def test_a_short_number_does_not_become_a_long_one(
    workbench: Workbench, kind: str, number: str
) -> None:
    table = await workbench.table(ID, {"name": "doc", "type": kind})
    document = f"[[{number}]]" if kind == "array" else f'{{"type": "Point", "n": [{number}]}}'
    answer = await table.post(f'{{"doc": {document}}}')
    assert answer.status_code == 400, answer.text[:200]
    assert answer.json()["doc"] == ["A number in it has more than 1000 digits."]
