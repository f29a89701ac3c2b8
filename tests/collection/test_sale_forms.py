"""A form of a sale: what it owes whoever may get letters about what they bought (LP-32)."""

from pathlib import Path

import pytest

from tests.collection.forms import FOOTER, LOCALES, changed, checkout, found, text_of
from tests.policy.folders import line_of, problems, replace

NO_LETTERS = 'id = "no-letters"\nkind = "checkbox"\n'
SEND = '[[control]]\nid = "send"'


def number_too(folder: Path) -> None:
    """A sale that asks for the number as well, and letters on what was bought by text message as well."""
    checkout(folder, opt_out=True)
    updates = "purposes/product-updates/policy.toml"
    replace(folder, updates, 'channels = ["email"]', 'channels = ["email", "sms"]')
    replace(folder, updates, 'data_kinds = ["email",', 'data_kinds = ["email", "phone",')
    replace(folder, FOOTER, SEND, f'[[control]]\nid = "phone"\nkind = "phone"\n\n{SEND}')
    for locale in LOCALES:
        replace(folder, f"purposes/product-updates/notice.{locale}.md", '["email",', '["email", "phone",')
        replace(folder, text_of(locale), "[labels]\n", '[labels]\nphone = "+371"\n')


@pytest.mark.law("LP-32")
def test_a_number_got_in_a_sale_takes_an_opt_out_of_its_own(folder: Path) -> None:
    number_too(folder)
    problem = found(folder, "no opt-out is offered by sms")
    assert (problem.file, problem.line) == (FOOTER, line_of(folder, FOOTER, "serves"))
    assert 'channels = ["sms"]' in problem.mend
    box = '[[control]]\nid = "no-texts"\nkind = "checkbox"\nsays = "no"\npurposes = ["product-updates"]\n'
    replace(folder, FOOTER, SEND, f'{box}channels = ["sms"]\n\n{SEND}')
    for locale in LOCALES:
        replace(folder, text_of(locale), "[labels]\n", '[labels]\nno-texts = "No text messages, please"\n')
    assert problems(folder) == []


@pytest.mark.law("LP-32")
@pytest.mark.parametrize(
    ("hidden", "told"),
    [
        ("step = 9\n", "stands on step 9, and the form is sent on step 1"),
        ('prominence = "link"\n', "the opt-out is link"),
        ('prominence = "secondary"\n', "the opt-out is secondary"),
    ],
)
def test_an_opt_out_that_is_hard_to_find_is_refused(folder: Path, hidden: str, told: str) -> None:
    checkout(folder, opt_out=True)
    problem = changed(folder, NO_LETTERS, NO_LETTERS + hidden, told)
    assert "`no-letters`" in problem.text
    assert "art. 13(2)" in problem.text
    assert (problem.file, problem.line) == (FOOTER, line_of(folder, FOOTER, hidden.strip()))
