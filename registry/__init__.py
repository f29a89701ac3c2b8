"""Zgoda: the system of record for contacts, consents and interaction history."""

__version__ = "0.1.0"
