"""Blind indexes: find a value without storing it, under keys that can be destroyed."""

import hmac

from registry.keys.ring import Epoch, KeyRing


def index(epoch: Epoch, kind: int, normalised: str) -> bytes:
    """HMAC-SHA-256 of an identifier under the epoch's index key; 32 bytes."""
    return hmac.digest(epoch.index, bytes([kind]) + normalised.encode(), "sha256")


def suppression_mac(ring: KeyRing, kind: int, broad: str) -> bytes:
    """HMAC-SHA-256 of the broad normal form under the suppression key, which outlives every epoch; 32 bytes."""
    return hmac.digest(ring.suppression, bytes([kind]) + broad.encode(), "sha256")
