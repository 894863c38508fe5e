# Generated from _async/resources/__init__.py by scripts/async_to_sync.py; change that file instead.

"""What the client offers, one module per domain of the server."""
