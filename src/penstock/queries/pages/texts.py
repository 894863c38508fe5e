"""Texts of dashboards, written in Markdown, as HTML that holds nothing but text and links."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_LONGEST: Final = 20_000  # characters that are rendered


@cache
def _renderer() -> MarkdownIt:
    # For the few who look at a page: it is large.
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
    # A picture would be fetched from wherever its author wants to know who reads.
    made.disable("image")
    made.add_render_rule("link_open", _link)
    return made


def html(text: str) -> Markup:
    """What is not Markdown is shown as it is written, HTML included."""
    # It has no markup of the author's: the renderer escapes what it does not write itself.
    return Markup(_renderer().render(text[:_LONGEST]))  # noqa: S704


def _link(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    tokens[index].attrSet("target", "_blank")
    return self.renderToken(tokens, index, options, env)
