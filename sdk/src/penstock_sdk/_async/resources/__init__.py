"""What the client offers, one module per domain of the server."""
