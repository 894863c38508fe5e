"""Documents that are kept while there is room."""

from penstock.kit.openapi import Documents


def test_the_least_used_goes_first() -> None:
    documents = Documents(budget=25)
    for name in "abc":
        documents.make(name, lambda: b"0123456789")
        documents.find("a")
    assert [name for name in "abc" if documents.find(name)] == ["a", "c"]


def test_one_that_is_too_large_is_not_kept() -> None:
    documents = Documents(budget=5)
    made = documents.make("large", lambda: b"0123456789")
    assert made.content == b"0123456789"
    assert documents.find("large") is None


def test_made_again_in_the_same_place() -> None:
    documents = Documents(budget=15)
    first = documents.make("a", lambda: b"0123456789")
    second = documents.make("a", lambda: b"9876543210")
    assert documents.find("a") == second
    assert first.etag != second.etag
