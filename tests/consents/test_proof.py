"""The digest of an entry is the hash of its canonical JSON, whatever people typed as a source."""

import base64
from datetime import UTC, datetime
from hashlib import sha256

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from registry.audit.timestamps import stamp
from registry.consents.proof import COVERED, digest

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.text(alphabet=st.characters(exclude_categories=("Cs",))),
)


@given(st.fixed_dictionaries(dict.fromkeys(COVERED, VALUES)))
def test_is_the_hash_of_the_canonical_json(told: dict[str, int | str | None]) -> None:
    assert digest(told) == base64.b64encode(sha256(rfc8785.dumps(told)).digest()).decode()


def test_an_instant_has_always_its_microseconds() -> None:
    assert stamp(datetime(2026, 1, 31, 12, tzinfo=UTC)) == "2026-01-31T12:00:00.000000Z"
