"""Pages for persons: saying no takes one link, no sign-in and no script."""
