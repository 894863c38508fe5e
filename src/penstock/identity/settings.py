"""Settings of identity: lifetimes, limits, and what the first start makes."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.kit.settings import at_least, setting


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """Sign-in, tokens, keys and request limits."""

    access_token_seconds: int = setting(900, "How long an access token is valid.", check=at_least(1))
    refresh_token_seconds: int = setting(
        1_209_600, "How long refresh and session tokens are valid.", check=at_least(60)
    )
    identity_cache_seconds: float = setting(
        5.0,
        "How long a resolved key or token is remembered in a process; 0 turns it off. "
        "Revocation is heard of at once whatever this is.",
        check=at_least(0),
    )
    password_min_length: int = setting(8, "Least number of characters of a password.", check=at_least(8))
    login_attempts: int = setting(
        10, "Failed sign-ins to one account from one address that a window allows.", check=at_least(1)
    )
    login_attempts_per_address: int = setting(
        100, "Failed sign-ins from one address, to any account, that a window allows.", check=at_least(1)
    )
    login_window_seconds: int = setting(
        300, "The window of the two limits on failed sign-ins.", check=at_least(1)
    )
    invitation_seconds: int = setting(
        604_800,
        "How long invitations, and letters that ask to confirm an address, are valid.",
        check=at_least(60),
    )
    password_link_seconds: int = setting(
        86_400, "How long links to set another password are valid.", check=at_least(60)
    )
    password_letters_per_hour: int = setting(
        10,
        "Letters to set another password that one address, and one account, may ask for.",
        check=at_least(1),
    )
    user_creations_per_hour: int = setting(
        1000, "Users that may be made in one org within an hour; 0 means no limit.", check=at_least(0)
    )
    requests_per_minute: int = setting(
        0,
        "Requests a minute that one key or user may make; 0 means no limit. A key may carry its own.",
        check=at_least(0),
    )
    # What the first start on an empty database makes.
    org_slug: str = setting("main", "Slug of the org that the first start makes.")
    admin_email: str | None = setting(
        None, "E-mail of the first user: owner of the org and administrator of the platform."
    )
    admin_password: str | None = setting(
        None, "Password of the first user; generated and printed once when unset.", secret=True
    )
    admin_key: str | None = setting(
        None,
        "A key of the first user: any text of 32 characters or more; generated and printed once when unset. "
        "On a later start a key that is set and not known yet is added to the first user.",
        secret=True,
    )
