"""What a form must tell, in each language, and what of it stays as it was published."""

from pathlib import Path

import pytest

from registry.policy import loader
from registry.policy.collection import CollectionPoint
from registry.policy.collection_words import agreeing
from tests.collection.forms import FOOTER, FOOTER_TEXT, changed, checkout, found, second_version
from tests.policy.folders import line_of, problems, replace


@pytest.mark.law("LP-46")
@pytest.mark.parametrize(
    ("item", "told"),
    [
        ("controller", "13(1)(a)"),
        ("dpo", "13(1)(b)"),
        ("purposes", "the purposes (art. 13(1)(c))"),
        ("basis", "the legal basis (art. 13(1)(c))"),
        ("recipients", "13(1)(e)"),
        ("retention", "13(2)(a)"),
        ("rights", "13(2)(b)"),
        ("withdrawal", "13(2)(c)"),
        ("complaint", "13(2)(d)"),
        ("obligation", "13(2)(e)"),
    ],
)
@pytest.mark.parametrize("missing", ["name", "section"])
def test_a_missing_item_of_the_information_is_refused(
    folder: Path, item: str, told: str, missing: str
) -> None:
    text = (folder / FOOTER_TEXT).read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith(f"{item} = "))
    if missing == "name":
        replace(folder, FOOTER_TEXT, line + "\n", "")
    else:
        heading = "## " + line.partition('"')[2].rstrip('"')
        before, _, after = text.partition(heading + "\n")
        _, _, rest = after.partition("\n\n")
        (folder / FOOTER_TEXT).write_text(f"{before}{heading}\n\n{rest}", "utf-8")
    everything = problems(folder)
    assert [problem.file for problem in everything] == [FOOTER_TEXT]
    assert told in everything[0].text
    assert item in everything[0].mend


@pytest.mark.law("LP-46")
@pytest.mark.parametrize(
    ("item", "told", "file", "old", "new"),
    [
        ("interests", "13(1)(d)", FOOTER, "[notices]\n", "[notices]\nproduct-updates = 1\n"),
        ("objection", "21(4)", FOOTER, "[notices]\n", "[notices]\nproduct-updates = 1\n"),
        ("transfers", "13(1)(f)", "recipients.toml", 'country = "LV"', 'country = "US"\nmechanism = "SCC"'),
        (
            "automated",
            "13(2)(f)",
            "purposes/newsletter/policy.toml",
            'controller = "nordwind"',
            'controller = "nordwind"\nautomated_decisions = true',
        ),
    ],
)
def test_what_must_be_told_where_it_applies_is_missed_too(
    folder: Path, item: str, told: str, file: str, old: str, new: str
) -> None:
    replace(folder, file, old, new)
    if file == FOOTER:
        served = 'default_locale = "lv"\n'
        replace(folder, FOOTER, served, served + 'serves = ["product-updates"]\n')
    for locale in ("en", "lv", "pl", "ru"):
        text = folder / f"collection/newsletter-footer/text.{locale}.md"
        lines = [line for line in text.read_text("utf-8").splitlines() if not line.startswith(f"{item} =")]
        text.write_text("\n".join(lines) + "\n", "utf-8")
    problem = found(folder, told)
    assert problem.file.startswith("collection/")
    assert item in problem.mend


@pytest.mark.law("LP-46")
def test_a_text_that_does_not_name_the_controller_is_refused(folder: Path) -> None:
    problem = changed(
        folder,
        "SIA Nordwind, Vētras iela 7, Rīga",
        "Your shop, Rīga",
        "does not name SIA Nordwind",
        FOOTER_TEXT,
    )
    assert problem.line == line_of(folder, FOOTER_TEXT, "controller")


@pytest.mark.law("LP-46")
def test_two_items_under_one_heading_are_refused(folder: Path) -> None:
    changed(
        folder,
        'complaint = "Where you can complain"',
        'complaint = "Your rights"',
        "under one heading",
        FOOTER_TEXT,
    )


@pytest.mark.law("LP-07")
def test_a_recipient_who_decides_for_itself_is_named(folder: Path) -> None:
    replace(folder, "recipients.toml", 'role = "processor"', 'role = "controller"')
    replace(folder, FOOTER_TEXT, "SIA Dzintara Dati in Latvia, which", "a firm that")
    assert "13(1)(e)" in found(folder, "does not name SIA Dzintara Dati").text


def test_a_sale_without_an_opt_out_is_refused(folder: Path) -> None:
    checkout(folder, opt_out=False)
    assert "13(2)" in found(folder, "no opt-out is offered").text


def test_a_box_to_opt_out_of_letters_on_what_was_bought_is_no_problem(folder: Path) -> None:
    checkout(folder, opt_out=True)
    assert problems(folder) == []


def test_earlier_versions_stay_beside_the_one_in_use(folder: Path) -> None:
    second_version(folder)
    first, second = loader.load(folder).collection["newsletter-footer"]
    assert (first.version, second.version) == (1, 2)
    assert first.hash != second.hash
    assert first.hash == loader.load(None).collection["newsletter-footer"][0].hash


def test_a_text_of_a_version_that_is_not_there_is_told(folder: Path) -> None:
    replace(folder, FOOTER_TEXT, "version = 1", "version = 7")
    assert found(folder, "the form has no version 7").file == FOOTER_TEXT


def test_what_is_published_later_is_not_asked_of_an_earlier_version(folder: Path) -> None:
    second_version(folder)
    replace(folder, "collection/newsletter-footer/point.1.toml", "newsletter = 1\n", "")
    assert problems(folder) == []


def test_the_hash_follows_from_every_text_and_control(folder: Path) -> None:
    def version() -> CollectionPoint:
        return loader.load(folder).collection["newsletter-footer"][-1]

    before = version().hash
    replace(folder, FOOTER_TEXT, "also if you are unsure", "even if you are unsure")
    texts = version().hash
    replace(
        folder,
        FOOTER,
        '[[control]]\nid = "first-name"\nkind',
        '[[control]]\nid = "first-name"\nstep = 2\nkind',
    )
    assert len({before, texts, version().hash}) == 3


@pytest.mark.law("LP-46")
@pytest.mark.parametrize("told", ["-", "Two years.", "___ ... ---"])
def test_a_section_of_fewer_than_three_words_tells_nothing(folder: Path, told: str) -> None:
    text = (folder / FOOTER_TEXT).read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith("retention = "))
    heading = "## " + line.partition('"')[2].rstrip('"')
    before, _, after = text.partition(heading + "\n")
    (folder / FOOTER_TEXT).write_text(
        f"{before}{heading}\n{told}\n\n{after.partition(chr(10) * 2)[2]}", "utf-8"
    )
    assert "13(2)(a)" in found(folder, "the text does not tell").text


@pytest.mark.parametrize(
    ("locale", "yes"), [("en", "Yes, but later"), ("pl", "Tak, chętnie"), ("pl", "„Tak”")]
)
def test_an_answer_that_says_no_does_not_begin_with_a_yes(folder: Path, locale: str, yes: str) -> None:
    file = f"collection/club-signup/text.{locale}.md"
    text = (folder / file).read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith("decline = "))
    problem = changed(folder, line, f'decline = "{yes}"', "begins with", file)
    assert problem.file == file
    assert "`decline`" in problem.text


def test_a_word_that_only_starts_like_a_yes_is_none() -> None:
    assert agreeing("Takiego listu nie chcę", "pl") is None
    assert agreeing("Данные не нужны", "ru") is None
    assert agreeing("Да, пришлите", "ru") == "Да"
    assert agreeing("Jā, gribu", "lv") == "Jā"
