"""What the law does not let a form be: each refusal names the file, the line, the control and the mend."""

from pathlib import Path

import pytest

from registry.policy import loader
from registry.policy.documents import PolicyInvalid
from tests.collection.forms import FOOTER, changed, found
from tests.policy.folders import line_of, problems, replace

SIGNUP = "collection/club-signup/point.toml"
SIGNUP_TEXT = "collection/club-signup/text.en.md"
BOX = 'id = "newsletter"\nkind = "checkbox"\n'
ORDER = 'purposes = ["order-messages"]'


def test_the_forms_that_ship_have_no_problem(folder: Path) -> None:
    assert problems(folder) == []
    points = loader.load(folder).collection
    assert {name: [p.version for p in versions] for name, versions in points.items()} == {
        "club-signup": [1],
        "newsletter-footer": [1],
    }
    assert [text.locale for text in points["newsletter-footer"][-1].texts] == ["en", "lv", "pl", "ru"]


@pytest.mark.law("LP-02")
def test_consent_that_is_on_by_default_is_refused(folder: Path) -> None:
    problem = changed(folder, BOX, BOX + "default = true\n", "on by default")
    assert "`newsletter`" in problem.text
    assert (problem.file, problem.line) == (FOOTER, line_of(folder, FOOTER, "default = true"))
    with pytest.raises(PolicyInvalid):
        loader.load(folder)


@pytest.mark.law("LP-02")
def test_an_answer_that_is_chosen_beforehand_is_refused(folder: Path) -> None:
    kind = 'kind = "radio"\n'
    problem = changed(folder, kind, kind + 'default = "accept"\n', "on by default", SIGNUP)
    assert "`club-letter`" in problem.text


def as_list(folder: Path, first: str) -> None:
    """The club's choice as a list, with another answer before the two."""
    radio = 'kind = "radio"\npurposes = ["club-letter"]\nchannels = ["email"]\n'
    replace(folder, SIGNUP, radio, radio.replace("radio", "select") + first)
    for locale, text in (("en", "Please choose"), ("pl", "Proszę wybrać")) if first else ():
        file = f"collection/club-signup/text.{locale}.md"
        replace(folder, file, "[options.club-letter]\n", f'[options.club-letter]\nunsaid = "{text}"\n')


@pytest.mark.law("LP-02")
@pytest.mark.parametrize("first", ["", '[[control.option]]\nid = "unsaid"\nsays = "no"\n'])
def test_a_list_that_stands_on_an_answer_is_refused(folder: Path, first: str) -> None:
    as_list(folder, first)
    problem = found(folder, "a list stands on its first answer")
    assert "`club-letter`" in problem.text
    assert (problem.file, problem.line + 1) == (SIGNUP, line_of(folder, SIGNUP, 'id = "club-letter"'))


@pytest.mark.law("LP-02")
def test_a_list_that_stands_on_nothing_is_no_problem(folder: Path) -> None:
    as_list(folder, '[[control.option]]\nid = "unsaid"\n')
    assert problems(folder) == []


@pytest.mark.law("LP-05")
@pytest.mark.parametrize("also", ["terms", "age"])
def test_a_consent_that_accepts_something_else_is_refused(folder: Path, also: str) -> None:
    problem = changed(folder, BOX, BOX + f'accepts = ["{also}"]\n', f"accepts {also} as well")
    assert "`newsletter`" in problem.text
    assert problem.line == line_of(folder, FOOTER, "accepts")


def test_terms_in_a_control_of_their_own_are_no_problem(folder: Path) -> None:
    more = '[[control]]\nid = "terms"\nkind = "checkbox"\naccepts = ["terms"]\nrequired = true\n\n'
    replace(folder, FOOTER, '[[control]]\nid = "send"', more + '[[control]]\nid = "send"')
    for locale, label in (
        ("en", "I accept the terms"),
        ("lv", "Noteikumi"),
        ("pl", "Regulamin"),
        ("ru", "Правила"),
    ):
        text = f"collection/newsletter-footer/text.{locale}.md"
        replace(folder, text, "[labels]\n", f'[labels]\nterms = "{label}"\n')
    assert problems(folder) == []


@pytest.mark.law("LP-05")
def test_one_act_for_two_purposes_is_refused(folder: Path) -> None:
    old = 'purposes = ["newsletter"]'
    problem = changed(folder, old, 'purposes = ["newsletter", "product-updates"]', "one act for 2 purposes")
    assert "`newsletter`" in problem.text
    assert "a control for each purpose" in problem.mend


def test_one_act_for_two_controllers_is_refused(folder: Path) -> None:
    old = 'purposes = ["newsletter"]'
    problem = changed(folder, old, 'purposes = ["newsletter", "club-letter"]', "for two controllers")
    assert "nordwind and polana" in problem.text


def test_one_act_for_several_channels_is_refused(folder: Path) -> None:
    replace(folder, "purposes/newsletter/policy.toml", 'channels = ["email"]', 'channels = ["email", "sms"]')
    changed(folder, 'channels = ["email"]', 'channels = ["email", "sms"]', "one act for 2 channels")


def test_consent_that_is_required_to_go_on_is_refused(folder: Path) -> None:
    problem = changed(folder, BOX, BOX + "required = true\n", "required to go on")
    assert "7(4)" in problem.text


def test_consent_for_what_rests_on_something_else_is_refused(folder: Path) -> None:
    problem = changed(folder, 'purposes = ["newsletter"]', ORDER, "rests on contract")
    assert "serves" in problem.mend


def test_a_purpose_that_is_served_and_rests_on_consent_needs_a_control(folder: Path) -> None:
    old = 'default_locale = "lv"\n'
    changed(folder, old, old + 'serves = ["newsletter"]\n', "for which no control asks")


def test_a_form_in_a_language_without_text_is_refused(folder: Path) -> None:
    (folder / "collection/newsletter-footer/text.pl.md").unlink()
    problem = found(folder, "there is no text in pl")
    assert problem.line == line_of(folder, FOOTER, "locales")
    assert "text.pl.md" in problem.mend


def test_a_control_without_text_in_a_language_is_refused(folder: Path) -> None:
    file = "collection/newsletter-footer/text.lv.md"
    text = (folder / file).read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith("newsletter ="))
    replace(folder, file, line + "\n", "")
    assert found(folder, "`newsletter` has no text in lv").file == file


def test_an_answer_without_text_is_refused(folder: Path) -> None:
    changed(folder, 'decline = "No, thank you"\n', "", "the answer `decline`", SIGNUP_TEXT)


def test_a_purpose_without_text_in_a_language_of_the_form_is_refused(folder: Path) -> None:
    changed(
        folder,
        'locales = ["en", "pl"]',
        'locales = ["en", "pl", "lv"]',
        "club-letter has no text in lv",
        SIGNUP,
    )


def test_a_button_that_sends_and_consents_at_once_is_refused(folder: Path) -> None:
    button = 'kind = "button"\npurposes = ["newsletter"]\nchannels = ["email"]\nsubmits = true'
    box = BOX + 'purposes = ["newsletter"]\nchannels = ["email"]\n'
    replace(folder, FOOTER, box, 'id = "newsletter"\nkind = "text"\nfield = "city"\n')
    problem = changed(folder, 'kind = "button"\nsubmits = true', button, "there is no way to say no")
    assert "`send`: it sends the form and consents at once" in problem.text


def buttons(folder: Path, refusal: str) -> None:
    """The footer with a yes and a no as two buttons, of which the no is made as told."""
    text = (folder / FOOTER).read_text("utf-8").partition('[[control]]\nid = "newsletter"')[0]
    scope = 'kind = "button"\npurposes = ["newsletter"]\nchannels = ["email"]\nsubmits = true\n'
    yes = f'[[control]]\nid = "newsletter"\n{scope}'
    no = f'[[control]]\nid = "send"\n{scope}says = "no"\n{refusal}'
    (folder / FOOTER).write_text(f"{text}{yes}\n{no}", "utf-8")


def test_a_yes_and_a_no_as_two_equal_buttons_are_no_problem(folder: Path) -> None:
    buttons(folder, "")
    assert problems(folder) == []


@pytest.mark.parametrize("harder", ['prominence = "link"\n', 'prominence = "secondary"\n', "step = 2\n"])
def test_a_refusal_that_is_harder_than_the_yes_is_refused(folder: Path, harder: str) -> None:
    buttons(folder, harder)
    problem = found(folder, "saying no is harder than saying yes")
    assert "`newsletter`" in problem.text


def test_a_choice_without_a_no_is_refused(folder: Path) -> None:
    old = '[[control.option]]\nid = "decline"\nsays = "no"\n'
    changed(folder, old, '[[control.option]]\nid = "decline"\nsays = "yes"\n', "no way to say no", SIGNUP)


def test_a_box_that_is_ticked_to_refuse_is_no_consent(folder: Path) -> None:
    problem = changed(folder, BOX, BOX + 'says = "no"\n', "ticking it says no")
    assert problem.line == line_of(folder, FOOTER, "says")


def test_leaving_an_address_is_no_consent(folder: Path) -> None:
    old = 'id = "email"\nkind = "email"\n'
    new = old + 'purposes = ["newsletter"]\nchannels = ["email"]\n'
    changed(folder, old, new, "leaving data is no consent")


def test_a_field_that_the_catalogue_does_not_have_is_refused(folder: Path) -> None:
    problem = changed(folder, 'field = "first_name"', 'field = "frist_name"', "not in the catalogue")
    assert "`first_name`" in problem.mend


def test_a_field_that_no_purpose_of_the_form_uses_is_refused(folder: Path) -> None:
    problem = changed(folder, 'field = "first_name"', 'field = "company"', "no purpose of this form uses")
    assert "5(1)(c)" in problem.text


def test_an_address_that_no_purpose_of_the_form_needs_is_refused(folder: Path) -> None:
    phone = '[[control]]\nid = "phone"\nkind = "phone"\n\n[[control]]\nid = "send"'
    changed(folder, '[[control]]\nid = "send"', phone, "no purpose of this form needs the phone")


def test_consent_to_letters_without_an_address_is_refused(folder: Path) -> None:
    changed(folder, 'kind = "email"', 'kind = "text"\nfield = "city"', "the form asks for no email")


def test_a_control_that_means_nothing_is_refused(folder: Path) -> None:
    changed(folder, 'field = "first_name"', "", "`first-name` means nothing")


def test_an_unknown_purpose_is_answered_with_the_nearest_one(folder: Path) -> None:
    problem = changed(folder, 'purposes = ["newsletter"]', 'purposes = ["newsleter"]', "unknown name")
    assert "`newsletter`" in problem.mend


def test_an_unknown_key_of_a_control_is_refused(folder: Path) -> None:
    changed(folder, BOX, BOX + "pre_ticked = true\n", "unknown key `pre_ticked`")


def test_an_earlier_notice_is_refused(folder: Path) -> None:
    problem = changed(folder, "club-letter = 3", "club-letter = 2", "is version 2, and 3 is in use", SIGNUP)
    assert problem.line == line_of(folder, SIGNUP, "club-letter =")


def test_a_notice_that_is_not_named_is_refused(folder: Path) -> None:
    changed(folder, "newsletter = 1\n", "", "which notice of newsletter is shown is not said")


def test_a_form_of_another_controller_than_its_purpose_is_refused(folder: Path) -> None:
    problem = changed(folder, 'controller = "nordwind"', 'controller = "polana"', "is of nordwind")
    assert "art. 13(1)(a)" in problem.text


def test_a_form_that_nothing_sends_is_refused(folder: Path) -> None:
    changed(folder, "submits = true\n", 'accepts = ["nothing"]\n', "no button sends the form")
