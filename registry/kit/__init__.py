"""What every area stands on and no word of the field: database, errors, clock, settings."""
