"""Usernames, e-mail addresses and slugs: what they may be, and the form in which two of them are compared."""

from __future__ import annotations

import re
import unicodedata

from penstock.kit import errors

LONGEST = 254  # characters
_USERNAME = re.compile(r"[\w.@+-]{1,254}\Z")
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}\Z")
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")
_DIGITS = re.compile(r"[0-9]+\Z")
_MOST_ID = 2**63 - 1


def key(name: str) -> str:
    """The compared form: case, width and composition do not make two names different."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def check_username(username: str, email: str | None) -> None:
    """Raises `Invalid`. A username is no number, as numbers are ids, and only one's own address has an @."""
    if not _USERNAME.match(username) or _DIGITS.match(key(username)) or key(username) == "me":
        complaint = "A username has 1 to 254 letters, digits and . @ + - _ and is neither a number nor `me`."
    elif "@" in key(username) and (email is None or key(username) != key(email)):
        complaint = "A username with an @ must be the e-mail address of the same user."
    else:
        return
    raise errors.Invalid({"username": [complaint]})


def check_email(email: str) -> None:
    """Raises `Invalid` for what cannot be an address; whether mail arrives there only mail can tell."""
    if not _EMAIL.match(email):
        raise errors.Invalid({"email": [f"'{email[:80]}' is not an e-mail address."]})


def check_slug(slug: str) -> None:
    """Raises `Invalid`."""
    if not _SLUG.match(slug):
        sentence = (
            "A slug has 1 to 63 lower-case letters, digits, - and _, and begins with a letter or digit."
        )
        raise errors.Invalid({"slug": [sentence]})


def suggested(email: str) -> str:
    """A username for who gave only an address: its local part, as far as it can be one."""
    local = "".join(letter for letter in email.partition("@")[0] if re.match(r"[\w.+-]", letter))
    return f"user-{local}" if not local or _DIGITS.match(key(local)) else local


def resource_id(text: str) -> int | None:
    """The id that a path segment of digits names; None when it is none, -1 when no row can have it."""
    if not text.isascii() or not text.isdigit():
        return None
    number = int(text) if len(text) <= len(str(_MOST_ID)) else _MOST_ID + 1
    return number if number <= _MOST_ID else -1
