"""Groups of records and what is computed of each.

`parse` (text to trees) → `plan` (with the table and the grant) → `compile` (SQL) → `answer`. Trees and plans know
no database: another provider needs a `compile` of its own and nothing else.
"""
