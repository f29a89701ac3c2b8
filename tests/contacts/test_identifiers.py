"""Normal forms: one address written in many ways is one address, and what is none is refused without being told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.contacts.identifiers import Kind, normalise
from registry.kit.errors import Misuse


@pytest.mark.parametrize(
    ("text", "value", "broad"),
    [
        ("Anna@Example.TEST", "anna@example.test", "anna@example.test"),
        (" anna.b+news@example.test ", "anna.b+news@example.test", "annab@example.test"),
        ("anna@żółw.example", "anna@xn--w-uga1v8h.example", "anna@xn--w-uga1v8h.example"),
        ("+anna@example.test", "+anna@example.test", "+anna@example.test"),
    ],
)
def test_normalises_an_address(text: str, value: str, broad: str) -> None:
    found = normalise(Kind.EMAIL, text)
    assert (found.value, found.broad) == (value, broad)


@pytest.mark.parametrize(
    "text",
    ["", "anna", "@example.test", "anna@", "a..b@example.test", "anna@exa mple.test", "anna@-x.test", "a\n@b.test",
     ".a@b.test", "a.@b.test", f"{'a' * 65}@b.test", "anna@example", f"a@{'b' * 64}.test"],
)  # fmt: skip
def test_refuses_what_is_no_address_without_repeating_it(text: str) -> None:
    with pytest.raises(Misuse) as refused:
        normalise(Kind.EMAIL, text)
    assert refused.value.code == "identifier.invalid"
    if len(text) > 3:
        assert text not in refused.value.line()


def test_normalises_a_phone_number() -> None:
    assert normalise(Kind.PHONE, "26 123 456", "LV").value == "+37126123456"
    assert normalise(Kind.PHONE, "+48 (600) 123-456").value == "+48600123456"
    for wrong in ("26123456", "12", "+1", "abc"):
        with pytest.raises(Misuse):
            normalise(Kind.PHONE, wrong)


def test_knows_a_mailbox_of_an_office() -> None:
    assert normalise(Kind.EMAIL, "Biuro@firma.test").is_role
    assert not normalise(Kind.EMAIL, "biurowska@firma.test").is_role


@given(st.text(max_size=400))
def test_any_text_is_normalised_or_refused(text: str) -> None:
    for kind in Kind:
        try:
            found = normalise(kind, text, "LV")
        except Misuse:
            continue
        assert normalise(kind, found.value, "LV") == found
