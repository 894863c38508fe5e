"""Relations between tables: one file per kind, names to relations, what is populated, filters through dots.

    family = await catalog.family(org_id, app)            # the app's tables and what leads from one to another
    around = Surroundings(family, grant, …)
    branches = plan_populate(paths, {}, table, around)    # what an answer has besides the table's own fields
    tree = relate(tree, table.name, around)               # `author.name` in a filter

`records.populated` puts the statement together.
"""
