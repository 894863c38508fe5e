"""Dashboards as pages for people: whole in themselves, without scripts, and fetching nothing from anywhere."""
