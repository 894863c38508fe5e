"""Queries that run by themselves: when, as whom, and what comes of it."""
