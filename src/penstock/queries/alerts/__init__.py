"""Alerts: a condition on the rows of a query, looked at whenever they are fresh, and whoever is told of it."""
