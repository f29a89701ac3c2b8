"""Many texts at once in many bytes: nothing that is there is missed, and nothing is found that is not there."""

import os
import random
from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.subject_requests.needles import BLOCK, LEAST, Needles, forms

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=30)


@settings(max_examples=300, deadline=None)
@given(TEXT, st.binary(max_size=40), st.binary(max_size=40), st.lists(TEXT, max_size=20))
def test_every_form_is_found_wherever_it_begins(
    text: str, before: bytes, after: bytes, others: list[str]
) -> None:
    needles = Needles([*others, text])
    for form in forms(text):
        assert text in {found for found, _, _ in needles.search(before + form + after)}


@pytest.mark.parametrize(
    "written",
    [
        str.encode,
        lambda text: text.upper().encode(),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode().hex().encode(),
        lambda text: b64encode(text.encode()),
        lambda text: b64encode(b"x" + text.encode() + b"yz"),
        lambda text: b64encode(b"xy" + text.encode()),
    ],
)
@pytest.mark.parametrize("text", ["anna.kalnina@example.test", "Kalniņa", "Сергей Иванов", "+37120000001"])
def test_ways_of_writing(text: str, written: Callable[[str], bytes]) -> None:
    assert list(Needles([text]).search(os.urandom(999) + written(text) + os.urandom(999)))


def test_a_text_across_two_blocks_is_found() -> None:
    needles = Needles(["anna.kalnina@example.test", "Marta"])
    for place in range(BLOCK - 30, BLOCK + 2):
        for text in (b"anna.kalnina@example.test", b"Marta"):
            buffer = bytearray(2 * BLOCK)
            buffer[place : place + len(text)] = text
            assert {found for found, _, _ in needles.search(bytes(buffer))} == {text.decode()}


def test_nothing_is_found_in_noise() -> None:
    source = random.Random(7)
    names = ["".join(source.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(500)]
    assert list(Needles(names).search(source.randbytes(4 * BLOCK))) == []


def test_what_is_too_short_is_not_looked_for_raw() -> None:
    assert all(len(form) >= LEAST for form in forms("Anna"))
    assert list(Needles(["Anna"]).search(b"  Anna  ")) == []
    assert list(Needles([]).search(b"anything")) == []


def test_a_block_that_was_seen_is_not_looked_at_again() -> None:
    needles, seen = Needles(["Marta"]), set[int]()
    assert len(list(needles.search(b"  Marta  ", seen))) == 1
    assert len(list(needles.search(b"  Marta  ", seen))) == 0
