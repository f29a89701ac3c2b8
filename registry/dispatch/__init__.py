"""The only way out: templates, messages, the outbox and the hand-off that holds the gate row."""
