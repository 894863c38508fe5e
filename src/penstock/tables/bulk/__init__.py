"""Rows in bulk: files of any size in and out as streams, and several writes across tables as one."""
