"""Change feeds: what became of the records of a table, in an order that agrees with their history."""
