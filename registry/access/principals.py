"""Who calls, what their role lets them do, and for which purposes: nothing that is not listed is allowed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from registry.access.credentials import KINDS
from registry.kit.errors import Forbidden, Misuse

# These see the whole installation; the others only the controllers and purposes that their key names.
EVERYWHERE = frozenset({"admin", "dpo", "auditor"})
ALL_MARKETING = "*"


@dataclass(frozen=True, slots=True)
class Role:
    """What a role may do (audit tags, `noun.verb`) and which kinds of value it sees unmasked."""

    name: str
    actions: frozenset[str] = frozenset()
    unmasked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever holds a key. `controllers` and `purposes` narrow a role that is not everywhere."""

    id: UUID
    role: str
    controllers: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    actor: str = field(init=False, compare=False)
    """The opaque name in audit entries."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "actor", f"key:{self.id}")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a narrowed key may read of a person: what was said about these purposes, or to these controllers at all."""

    purposes: frozenset[str]
    controllers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rights:
    """The roles and the purposes of one installation, handed over at start by whoever knows the policy.

    `controllers` names the controller of every live purpose. A role that is not a kind of key is refused.
    """

    roles: Mapping[str, Role]
    controllers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, roles: Iterable[Role], controllers: Mapping[str, str]) -> "Rights":
        """Rights by role name; ValueError for a role that no key can have."""
        named = {role.name: role for role in roles}
        if unknown := sorted(set(named) - set(KINDS)):
            raise ValueError(f"no key is of kind {', '.join(unknown)}")
        return cls(named, dict(controllers))

    def role(self, principal: Principal) -> Role:
        """The principal's role; one that the policy does not know may do nothing."""
        return self.roles.get(principal.role) or Role(principal.role)

    def permits(self, principal: Principal, action: str) -> bool:
        """Whether the role lists the action."""
        return action in self.role(principal).actions

    def reaches(self, principal: Principal, purpose: str) -> bool:
        """Whether the key may act for a purpose.

        Named purposes narrow, and so do named controllers; a key that names neither reaches nothing.
        """
        if principal.role in EVERYWHERE:
            return True
        controller = self.controllers.get(purpose)
        if controller is None:
            return False
        if principal.controllers and controller not in principal.controllers:
            return False
        return purpose in principal.purposes if principal.purposes else bool(principal.controllers)

    def reaches_controller(self, principal: Principal, controller: str) -> bool:
        """Whether the key may record a "no" to all marketing of a controller.

        One purpose of it is enough: to say no must never be harder than to say yes (GDPR art. 7(3)).
        """
        return principal.role in EVERYWHERE or any(
            owner == controller and self.reaches(principal, purpose)
            for purpose, owner in self.controllers.items()
        )

    def scope(self, principal: Principal) -> "Scope | None":
        """The purposes that a key reaches, with the controllers behind them; None where it reaches everything."""
        if principal.role in EVERYWHERE:
            return None
        purposes = frozenset(name for name in self.controllers if self.reaches(principal, name))
        return Scope(purposes, frozenset(self.controllers[name] for name in purposes))

    def require_some(self, principal: Principal) -> None:
        """Refuse (403) `purpose.out_of_scope` to a key that reaches no purpose at all: it may see nobody."""
        reached = any(self.reaches(principal, purpose) for purpose in self.controllers)
        if not reached and principal.role not in EVERYWHERE:
            raise _out_of_scope()

    def require(self, principal: Principal, *actions: str, purpose: str | None = None) -> None:
        """Refuse (403) what role or scope does not allow: `action.forbidden`, `purpose.out_of_scope`.

        One of `actions` is enough; none named is none allowed. Misuse (400) `purpose.unknown` before the scope.
        """
        if self.role(principal).actions.isdisjoint(actions):
            wanted = " or ".join(actions) or "this"
            raise Forbidden("action.forbidden", f"A key of kind {principal.role} does not allow {wanted}.")
        if purpose is not None and purpose not in self.controllers:
            raise Misuse(
                "purpose.unknown", "There is no such purpose.", field="purpose", mend="see zgoda policy list"
            )
        if purpose is not None and not self.reaches(principal, purpose):
            raise _out_of_scope()

    def require_controller(self, principal: Principal, controller: str) -> None:
        """Refuse (403) `purpose.out_of_scope` when the key reaches no purpose of the controller."""
        if not self.reaches_controller(principal, controller):
            raise _out_of_scope()


def _out_of_scope() -> Forbidden:
    return Forbidden(
        "purpose.out_of_scope",
        "This key does not reach that purpose.",
        field="purpose",
        mend="use a key that names it: zgoda apikey create --purpose",
    )
