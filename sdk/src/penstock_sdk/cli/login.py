"""`penstock login`: saves a server and a key for it."""

from __future__ import annotations

import getpass
import os
import platform
import sys

from penstock_sdk._config import DEFAULT_PROFILE, DEFAULT_URL, Profile, save_profile
from penstock_sdk._models import User
from penstock_sdk._sync.client import Client
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._output import say


def login(
    *,
    url: str | None = None,
    email: str | None = None,
    key: str | None = None,
    org: str | None = None,
    profile: str = DEFAULT_PROFILE,
) -> None:
    """Save a server and a key for it, so that later commands and programs find them.

    With an e-mail address the password is asked for (or taken from PENSTOCK_PASSWORD) and exchanged for a new
    API key; the password itself is not kept. Without e-mail and key, the key is asked for.

    Parameters
    ----------
    url
        Address of the server; PENSTOCK_URL or http://127.0.0.1:5001 when not given.
    email
        E-mail address or user name to log in with.
    key
        API key to save. PENSTOCK_KEY keeps it out of the shell's history.
    org
        Slug of the org, for users who belong to several.
    profile
        Name to save it under.
    """
    address = url or os.environ.get("PENSTOCK_URL") or DEFAULT_URL
    if email is not None:
        saved, user = _key_by_password(address, email, org)
    else:
        saved = key or os.environ.get("PENSTOCK_KEY") or _ask("API key: ")
        with Client(address, key=saved) as client:
            user = client.users.me()
    path = save_profile(profile, Profile(url=address.rstrip("/"), key=saved, user=user.username))
    say(f"Logged in to {address} as {user.username}; saved as profile '{profile}' in {path}.")


def _key_by_password(url: str, email: str, org: str | None) -> tuple[str, User]:
    password = os.environ.get("PENSTOCK_PASSWORD") or _ask("Password: ")
    with Client(url, email=email, password=password, org=org) as client:
        user = client.users.me()
        made = client.keys.create(f"penstock login on {platform.node() or 'this machine'}")
    return made.key, user


def _ask(prompt: str) -> str:
    answer = getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not answer:
        raise CommandError(f"No {prompt.rstrip(': ').lower()} was given.")
    return answer
