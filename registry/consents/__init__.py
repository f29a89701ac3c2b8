"""The ledger of consents and grounds, what it adds up to, and its projection for the gate."""
