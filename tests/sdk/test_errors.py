from __future__ import annotations

import pytest

from penstock_sdk import _errors
from penstock_sdk._errors import RowFault, error_from_answer


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, _errors.BadRequestError),
        (401, _errors.UnauthorizedError),
        (403, _errors.ForbiddenError),
        (404, _errors.NotFoundError),
        (405, _errors.MethodNotAllowedError),
        (409, _errors.ConflictError),
        (412, _errors.PreconditionFailedError),
        (413, _errors.PayloadTooLargeError),
        (418, _errors.BadRequestError),
        (429, _errors.RateLimitedError),
        (500, _errors.ServerError),
        (502, _errors.UnavailableError),
        (503, _errors.UnavailableError),
        (504, _errors.GatewayTimeoutError),
    ],
)
def test_status_decides_the_class(status: int, kind: type[_errors.PenstockError]) -> None:
    error = error_from_answer(status, {"detail": "No.", "code": "X", "request_id": "r1"})
    assert type(error) is kind
    assert (error.message, error.status, error.code, error.request_id) == ("No.", status, "X", "r1")


def test_a_field_map_makes_a_validation_error() -> None:
    body = {
        "qty": ["too small"],
        "detail": "qty: too small",
        "code": "VALIDATION_ERROR",
        "errors": {"qty": ["too small"]},
    }
    error = error_from_answer(400, body)
    assert type(error) is _errors.ValidationError
    assert error.errors == {"qty": ["too small"]}
    assert str(error) == "qty: too small"


def test_a_bare_field_map_is_understood() -> None:
    error = error_from_answer(400, {"json_schema": ["Invalid."], "name": "Taken."})
    assert error.errors == {"json_schema": ["Invalid."], "name": ["Taken."]}
    assert str(error) == "json_schema: Invalid.; name: Taken."


@pytest.mark.parametrize("key", ["rows", "errors"])
def test_faults_of_rows_are_read_under_both_names(key: str) -> None:
    error = error_from_answer(
        400, {"detail": "Two rows.", key: [{"index": 3, "errors": {"a": ["bad"]}}, "odd"]}
    )
    assert type(error) is _errors.ValidationError
    assert [(row.index, row.errors) for row in error.rows] == [(3, {"a": ["bad"]})]


def test_the_hint_is_part_of_the_text() -> None:
    assert str(error_from_answer(400, {"detail": "Unknown.", "hint": "Did you mean 'a'?"})).endswith("'a'?")


def test_an_answer_that_is_not_json_shows_its_text() -> None:
    assert error_from_answer(500, None, text=" boom ").message == "boom"
    assert error_from_answer(500, None).message == "HTTP status 500"


def test_retry_after_is_kept() -> None:
    error = error_from_answer(429, {"detail": "Slow down."}, retry_after=45)
    assert isinstance(error, _errors.RateLimitedError)
    assert error.retry_after == 45


def test_every_error_of_the_tree_is_drawn_in_the_docstring() -> None:
    for name in _errors.__all__:
        if isinstance(getattr(_errors, name), type) and issubclass(getattr(_errors, name), Exception):
            assert name in (_errors.__doc__ or "")


def test_a_row_fault_shows_itself() -> None:
    assert repr(RowFault(1, {"a": ["b"]})) == "RowFault(index=1, errors={'a': ['b']})"
