"""The version of this distribution, which is also the server's."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("penstock-sdk")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"
