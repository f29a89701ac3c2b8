"""What a role may not say: an action that does not exist, or one that would undo what separates the roles. Pure."""

from collections.abc import Iterator

from registry.access.actions import ACTIONS, RESERVED
from registry.access.credentials import KINDS
from registry.policy.documents import Finding, nearest
from registry.policy.model import PolicySet
from registry.policy.rule_checks import unknown_name


def findings(policies: PolicySet) -> Iterator[Finding]:
    """Everything that is wrong in `roles.toml`."""
    file = "roles.toml"
    for name, role in policies.roles.items():
        if name not in KINDS:
            yield Finding(file, (name,), *unknown_name("role", name, KINDS))
            continue
        for action in role.actions:
            if action not in ACTIONS:
                meant = nearest(action, ACTIONS)
                mend = f"did you mean `{meant}`?" if meant else "the actions are in the reference of roles"
                yield Finding(file, (name, "actions"), f"unknown action `{action}`", mend)
            elif name not in RESERVED.get(action, KINDS):
                text = f"`{action}` is not for a key of kind {name} (GDPR art. 25, 32)"
                mend = f"take it out: it is for {', '.join(RESERVED[action])}"
                yield Finding(file, (name, "actions"), text, mend)
