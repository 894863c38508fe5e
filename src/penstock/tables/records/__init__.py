"""Records: request → plan → compile → execute → shape, each a module with a typed value between each two."""
