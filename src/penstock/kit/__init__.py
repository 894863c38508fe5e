"""Tools that know no domain; nothing in here imports anything of the product."""
