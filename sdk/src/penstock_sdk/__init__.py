"""The typed client of Penstock."""
