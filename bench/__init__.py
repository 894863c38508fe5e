"""The benchmarks: Penstock against the limits of the same machine, in one run, for the rows of the budget."""
