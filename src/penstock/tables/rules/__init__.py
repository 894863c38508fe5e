"""Row rules of tables: which rows and fields of a table a caller has to do with.

    rule = Rule(…, read=parse_filter("read", {"owner": "$user.id"}, table), …)
    limits = limits_of(table, principal)   # what all rules of the table come to for this caller
    policies(table)                        # the same for PostgreSQL, which then keeps rows back by itself

`records.reach` hands the limits to whoever reads; what the rules mean is written down in docs/guides/access.md.
"""
