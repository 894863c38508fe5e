"""Hierarchies and graphs: the edges between the records of a table, and walks along them."""
