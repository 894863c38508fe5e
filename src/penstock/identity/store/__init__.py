"""The tables of identity and how their rows become models and back; one module per noun, no decisions."""

from penstock.kit import statements

QUERIES = statements.load(__name__)
