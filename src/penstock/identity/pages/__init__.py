"""The pages that links in letters lead to: a sentence, and perhaps a form with one field."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.response.base import ASGIResponse

from penstock.kit import pages


@dataclass(frozen=True, slots=True)
class Field:
    """The field of a form; `type` and `filled` are what HTML calls type and autocomplete."""

    name: str
    title: str
    type: str
    filled: str
    button: str


PASSWORD = Field("password", "New password", "password", "new-password", "Set the password")
EMAIL = Field("email", "E-mail address", "email", "email", "Send a link")


def show(
    title: str, text: str, field: Field | None = None, *, complaint: str | None = None, status: int = 200
) -> ASGIResponse:
    template = pages.environment(__name__).get_template("form.html")
    return pages.answer(template.render(title=title, text=text, field=field, complaint=complaint), status)
