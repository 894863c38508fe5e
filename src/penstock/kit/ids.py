"""Random names: request ids, role suffixes, tokens."""

import secrets
import string

_LOWER = string.ascii_lowercase + string.digits


def token(size: int = 32) -> str:
    """A URL-safe secret of `size` random bytes."""
    return secrets.token_urlsafe(size)


def lower(length: int = 12) -> str:
    """A random name of lower-case letters and digits, beginning with a letter: fit for a database identifier."""
    return secrets.choice(string.ascii_lowercase) + "".join(secrets.choice(_LOWER) for _ in range(length - 1))
