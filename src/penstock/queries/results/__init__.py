"""Stored results: Arrow files in an object store, written in batches and read by seeking."""
