"""Campaigns: one message to an audience that the gate permits, person by person."""
