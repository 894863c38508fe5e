"""Penstock: a self-hosted data platform on PostgreSQL."""

from importlib.metadata import version

__version__ = version("penstock")
