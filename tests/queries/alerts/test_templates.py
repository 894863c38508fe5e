"""Texts with places for values."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.queries.alerts.templates import MOST, TemplateError, parse, render

VALUES: dict[str, Any] = {
    "name": "<b>O'Brien</b>",
    "n": 12,
    "none": None,
    "yes": True,
    "no": False,
    "rows": [{"a": 1, "b": {"c": "x"}}, {"a": 2, "b": {"c": "&"}}],
    "words": ["one", "two"],
    "empty": [],
    "a b": "spaced",
}


@pytest.mark.parametrize(
    ("text", "escaped", "plain"),
    [
        ("", "", ""),
        ("{{name}}", "&lt;b&gt;O&#x27;Brien&lt;/b&gt;", "<b>O'Brien</b>"),
        ("{{{ name }}} {{& name}}", "<b>O'Brien</b> <b>O'Brien</b>", "<b>O'Brien</b> <b>O'Brien</b>"),
        ("{{n}}|{{none}}|{{yes}}|{{missing}}|{{ a b }}", "12||true||spaced", "12||true||spaced"),
        ("{{#rows}}{{a}}={{b.c}};{{/rows}}", "1=x;2=&amp;;", "1=x;2=&;"),
        ("{{#words}}[{{.}}]{{/words}}{{^words}}none{{/words}}", "[one][two]", "[one][two]"),
        ("{{^empty}}none{{/empty}}{{#no}}x{{/no}}{{#yes}}y{{/yes}}", "noney", "noney"),
        ("{{! nothing to see }}a { b } {{ c", "a { b } {{ c", "a { b } {{ c"),
        ("{{#rows}}{{#words}}{{a}}{{.}} {{/words}}{{/rows}}", "1one 1two 2one 2two ", "1one 1two 2one 2two "),
        ("{{__class__}}{{name.__class__}}{{rows.0}}", "", ""),
    ],
)
def test_what_comes_of_it(text: str, escaped: str, plain: str) -> None:
    template = parse(text)
    assert render(template, VALUES, escape=True) == escaped
    assert render(template, VALUES, escape=False) == plain


@pytest.mark.parametrize("text", ["{{#a}}", "{{/a}}", "{{#a}}{{/b}}", "{{}}", "{{#a}}" * 20 + "{{/a}}" * 20])
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(TemplateError):
        parse(text)


def test_long_ones_are_cut_off() -> None:
    values = {"rows": [{"x": "y" * 1000}] * 1000, "many": [1] * 3000}
    assert len(render(parse("{{#rows}}{{x}}{{/rows}}"), values, escape=False)) <= MOST
    deep = "{{#many}}" * 7 + "{{/many}}" * 7
    assert render(parse(deep), values, escape=False) == ""


@given(st.text(alphabet="{}#^/&!. ab<\n", max_size=60))
def test_any_text_is_rendered_or_refused(text: str) -> None:
    try:
        template = parse(text)
    except TemplateError:
        return
    shown = render(template, {"a": "<", "b": [{"a": "&"}]}, escape=True)
    assert isinstance(shown, str)


@pytest.mark.parametrize(
    "text", ["{{" + " " * 50_000, "{{{" + " " * 50_000 + "x}", "{{a" + " " * 49_000 + "}}}"]
)
def test_many_spaces_are_read_at_once(text: str) -> None:
    begun = time.monotonic()
    with suppress(TemplateError):
        parse(text)
    assert time.monotonic() - begun < 1


def test_places_for_nothing_come_to_an_end() -> None:
    places = "{{x}}" * 2000
    template = parse("{{#many}}" * 3 + places + "{{/many}}" * 3)
    begun = time.monotonic()
    assert render(template, {"many": [1] * 100}, escape=False) == ""
    assert time.monotonic() - begun < 3
