"""Markdown of users as HTML: formatted, and never more than text and links."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.queries.pages.texts import html

ALLOWED = {
    "p", "strong", "em", "a", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "code", "pre", "blockquote",
    "hr", "br", "table", "thead", "tbody", "tr", "th", "td", "s",
}  # fmt: skip


def test_markdown() -> None:
    made = html(
        "# Sales\n\n**bold** and [here](https://example.org/?a=1&b=2)\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    )
    assert "<h1>Sales</h1>" in made and "<strong>bold</strong>" in made and "<td>1</td>" in made
    assert 'href="https://example.org/?a=1&amp;b=2" rel="noopener noreferrer nofollow"' in made


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "![x](https://example.org/track.png)",
        '<https://example.org/" onmouseover="x>',
        '[x](https://example.org "\\" onmouseover=\\"alert(1)")',
        "<!-- x --><iframe src=//example.org></iframe>",
        "&lt;script&gt;",
        "`<script>`",
    ],
)
def test_attacks(text: str) -> None:
    check(html(text))


@given(st.text(alphabet="<>\"'[]()!`*_#&;:/\\ \nabjsdt=.-|", max_size=200))
def test_anything(text: str) -> None:
    check(html(text))


def test_long_and_deep_texts() -> None:
    for text in ("[" * 50_000, "*a_" * 20_000, "> " * 20_000, "`" * 50_000, "a\n" * 40_000):
        check(html(text))


def check(made: str) -> None:
    for tag in re.findall(r"<([^>]*)>", made):
        name = tag.strip("/ ").split(" ")[0].rstrip("/")
        assert name in ALLOWED, (tag, made)
        assert not re.search(r"\bon\w+\s*=(?!\S*[^\"]*\"$)", re.sub(r'"[^"]*"', '""', tag)), made
        for link in re.findall(r'href="([^"]*)"', tag):
            assert not re.match(r"\s*(javascript|vbscript|data|file):", link, re.IGNORECASE), made
