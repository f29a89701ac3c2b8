"""What the policy says of roles and purposes, in the terms of `access`, which lies below and is handed it."""

from registry.access.principals import Rights, Role
from registry.policy.model import PolicySet


def rights(policies: PolicySet) -> Rights:
    """Roles and the controller of every live purpose; ValueError for a role that no key can have."""
    roles = (Role(r.id, frozenset(r.actions), frozenset(r.unmasked)) for r in policies.roles.values())
    return Rights.of(roles, {purpose.id: purpose.controller for purpose in policies.purposes.values()})
