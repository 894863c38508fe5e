"""The verbs of identity, one module per noun. They work in the caller's transaction and never commit."""
