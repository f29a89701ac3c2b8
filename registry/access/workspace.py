"""The open installation: what commands, pages and workers are handed, put together once by registry.opening."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from registry.keys.ring import KeyRing
from registry.kit.config import Settings
from registry.kit.database import Database

if TYPE_CHECKING:
    from registry.policy.model import PolicySet


@dataclass(frozen=True, slots=True)
class Workspace:
    """Settings, an open database, the key ring and the policies in force. Services take what they need of it."""

    settings: Settings
    database: Database
    ring: KeyRing
    policies: "PolicySet"
