"""The verbs on queries, their runs and their results."""
