"""Keys: the ring outside the database, persons' keys by retention class, blind indexes."""
