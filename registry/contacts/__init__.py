"""Persons, what identifies them, and the fields that the catalogue allows."""
