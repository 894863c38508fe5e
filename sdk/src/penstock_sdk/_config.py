"""Where address and credential come from when the program names none: the environment, then a saved profile.

`penstock login` keeps profiles in `<XDG config dir>/penstock/profiles.json`, readable by their owner only.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from penstock_sdk._errors import ConfigurationError

DEFAULT_URL = "http://127.0.0.1:5001"
DEFAULT_PROFILE = "default"


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A saved server: its address, and the API key to use there."""

    url: str
    key: str | None = None
    user: str | None = None


class Profiles(msgspec.Struct, kw_only=True):
    """The content of the profile file."""

    current: str = DEFAULT_PROFILE
    profiles: dict[str, Profile] = msgspec.field(default_factory=dict[str, Profile])


@dataclass(frozen=True, slots=True)
class Target:
    """The server to call and the key to show it; `source` says where the address was found."""

    url: str
    key: str | None
    source: str


def profile_path() -> Path:
    """The file of saved profiles; it need not exist."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    else:
        configured = os.environ.get("XDG_CONFIG_HOME", "")
        # The XDG specification tells to ignore a relative path.
        base = Path(configured) if configured.startswith("/") else Path.home() / ".config"
    return base / "penstock" / "profiles.json"


def load_profiles(path: Path | None = None) -> Profiles:
    """The saved profiles, none when there is no file. A ConfigurationError when the file is damaged."""
    path = path or profile_path()
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Profiles()
    except OSError as error:
        raise ConfigurationError(f"The profile file {path} cannot be read: {error.strerror}.") from error
    try:
        return msgspec.json.decode(content, type=Profiles)
    except msgspec.MsgspecError as error:
        raise ConfigurationError(
            f"The profile file {path} is damaged ({error}); delete it, then log in."
        ) from error


def save_profile(name: str, profile: Profile, path: Path | None = None) -> Path:
    """Saves `profile` and makes it the current one; the file is replaced as a whole and has mode 0600."""
    path = path or profile_path()
    saved = load_profiles(path)
    saved.profiles[name] = profile
    saved.current = name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, msgspec.json.format(msgspec.json.encode(saved), indent=2))
    return path


def write_private(path: Path, content: bytes) -> None:
    """Replaces `path` atomically by a file that only its owner can read, from the first byte on."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def resolve(url: str | None = None, key: str | None = None, profile: str | None = None) -> Target:
    """Server and key to use: arguments, else PENSTOCK_URL and PENSTOCK_KEY, else a profile, else loopback.

    The key of a profile is shown to no other server than the one it was saved for.
    """
    named = _profile(profile)
    found, source = url, "argument"
    if found is None and profile is not None and named is not None:
        found, source = named.url, f"profile '{profile}'"
    if found is None:
        found, source = os.environ.get("PENSTOCK_URL") or None, "PENSTOCK_URL"
    if found is None and named is not None:
        found, source = named.url, "profile"
    if found is None:
        found, source = DEFAULT_URL, "default"
    found = found.rstrip("/")
    if key is None and profile is None:
        key = os.environ.get("PENSTOCK_KEY") or None
    if key is None and named is not None and named.url.rstrip("/") == found:
        key = named.key
    return Target(found, key, source)


def login_of_environment() -> tuple[str, str] | None:
    """E-mail and password of PENSTOCK_EMAIL and PENSTOCK_PASSWORD when both are set."""
    email, password = os.environ.get("PENSTOCK_EMAIL"), os.environ.get("PENSTOCK_PASSWORD")
    return (email, password) if email and password else None


def _profile(name: str | None) -> Profile | None:
    saved = load_profiles()
    name = name or os.environ.get("PENSTOCK_PROFILE") or None
    found = saved.profiles.get(name or saved.current)
    if found is None and name is not None:
        known = ", ".join(sorted(saved.profiles)) or "none"
        raise ConfigurationError(f"There is no profile '{name}'; saved profiles: {known}.")
    return found
