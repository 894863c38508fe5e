# Generated from _async/__init__.py by scripts/async_to_sync.py; change that file instead.

"""The client for synchronous programs."""
