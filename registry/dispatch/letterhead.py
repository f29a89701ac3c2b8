"""Who writes, as every mail of a campaign names them (ePrivacy art. 13(4))."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from registry.policy.model import PolicySet, Purpose


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What the mails of one campaign say about the sender and the list, frozen when the campaign is made."""

    controller_name: str
    controller_address: str
    controller_contact: str
    sender_name: str
    sender_email: str
    list_id: str
    titles: Mapping[str, str]
    base_url: str
    purpose_id: int
    one_click: bool

    @classmethod
    def of(cls, policies: PolicySet, purpose: Purpose, base_url: str) -> Self:
        """The letterhead of a purpose as its policies are now (ePrivacy art. 13(4): the sender is named)."""
        controller = policies.controllers[purpose.controller]
        domain = controller.sender_email.rpartition("@")[2]
        return cls(
            controller_name=controller.name,
            controller_address=controller.address,
            controller_contact=controller.contact,
            sender_name=controller.sender_name,
            sender_email=controller.sender_email,
            list_id=f"{purpose.id}.{domain}",
            titles=dict(purpose.title),
            base_url=base_url.rstrip("/"),
            purpose_id=policies.purpose_ids[purpose.id],
            one_click=purpose.is_marketing,
        )

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc
