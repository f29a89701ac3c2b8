"""A token names person, address and purpose to us, and cannot be made or read by anybody else."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from registry.dispatch.tokens import LENGTH, OneClick, open_token, seal

KEY = b"k" * 32
TOKEN = OneClick(UUID(int=1), UUID(int=2), 3)


@given(contact=st.uuids(), assignment=st.uuids(), purpose=st.integers(0, 65_535))
def test_opens_what_was_sealed(contact: UUID, assignment: UUID, purpose: int) -> None:
    token = OneClick(contact, assignment, purpose)
    text = seal(KEY, token)
    assert open_token(KEY, text) == token
    assert len(text) == LENGTH
    assert text.replace("-", "").replace("_", "").isalnum()


def test_is_the_same_every_time_so_that_bytes_sent_can_be_rebuilt() -> None:
    assert seal(KEY, TOKEN) == seal(KEY, TOKEN)


def test_one_under_another_key_is_nobodys() -> None:
    assert open_token(b"j" * 32, seal(KEY, TOKEN)) is None


@given(at=st.integers(0, LENGTH - 1), letter=st.sampled_from("ABCabc019-_"))
def test_one_changed_letter_makes_it_nobodys(at: int, letter: str) -> None:
    text = seal(KEY, TOKEN)
    changed = text[:at] + letter + text[at + 1 :]
    # The last letter carries two bits that decode to nothing.
    assert changed == text or open_token(KEY, changed) is None or at == LENGTH - 1


@given(st.text(max_size=200))
def test_anything_else_is_nobodys(text: str) -> None:
    assert open_token(KEY, text) is None
