"""Pictures of results: options of visualizations to Vega-Lite documents, and those to SVG and PNG."""
