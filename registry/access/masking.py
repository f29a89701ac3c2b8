"""What a role does not list is shown only as far as it takes to tell two values apart."""

from registry.access.principals import Role

DOTS = "•••"


def mask(role: Role, field: str, value: str) -> str:
    """`value` if the role lists `field` (an identifier kind or a field of the catalogue), else its outline."""
    return value if field in role.unmasked else outline(field, value)


def outline(field: str, value: str) -> str:
    """`j•••@•••` of an e-mail address, the last two digits of a telephone number, nothing of anything else."""
    if not value:
        return ""
    if field == "email":
        return f"{value[0]}{DOTS}@{DOTS}"
    if field == "phone":
        return f"{DOTS}{value[-2:]}" if len(value) > 6 else DOTS
    return DOTS
