"""From the text of a query to what may be run of it: parse, bind, authorize, rewrite."""
