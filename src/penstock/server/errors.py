"""What can keep the server from starting; the message is a sentence for the operator."""


class SetupError(Exception):
    """The server cannot start."""
