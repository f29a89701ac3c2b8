"""Where each person stands: the rows that are locked, and the table that the gate reads."""
