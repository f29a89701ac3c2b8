"""An API key can be told from chance without asking the database, and is not kept."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.access import credentials


@pytest.mark.parametrize("kind", credentials.KINDS)
def test_a_key_has_the_published_form(kind):
    key = credentials.issue(kind)
    assert re.fullmatch(rf"zgoda_{kind}_[0-9A-Za-z]{{36}}", key)
    assert credentials.kind_of(key) == kind


def test_two_keys_differ():
    assert len({credentials.issue("admin") for _ in range(1000)}) == 1000


@given(st.integers(0, 47), st.sampled_from("0123456789abcdefABCDEFxyzXYZ_"))
def test_one_wrong_character_is_noticed(place, character):
    key = "zgoda_admin_" + "a" * 30
    key += credentials.checksum(key)
    changed = key[:place] + character + key[place + 1 :]
    assert changed == key or credentials.kind_of(changed) is None


@pytest.mark.parametrize(
    "text", ["", "zgoda_", "zgoda_admin_", "Bearer x", "zgoda_root_" + "a" * 36, "ż" * 48]
)
def test_anything_else_is_no_key(text):
    assert credentials.kind_of(text) is None


def test_a_kind_cannot_be_exchanged_for_another():
    key = credentials.issue("write")
    assert credentials.kind_of(key.replace("zgoda_write_", "zgoda_admin_")) is None
