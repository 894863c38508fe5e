"""The client for asynchronous programs; scripts/async_to_sync.py generates the synchronous one from it."""
