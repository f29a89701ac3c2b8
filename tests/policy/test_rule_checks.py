"""What the law does not let the rules say: each refusal names the file, the line and the mend."""

from datetime import date
from pathlib import Path
from time import perf_counter

import pytest

from registry.policy import loader
from registry.policy.documents import PolicyInvalid
from tests.policy.folders import line_of, only, problems, replace

NEWSLETTER = "purposes/newsletter/policy.toml"
UPDATES = "purposes/product-updates/policy.toml"
CLUB = "purposes/club-letter/policy.toml"
BALANCING = "balancing.toml"
HOURS = "schedule.toml"
TODAY = date(2026, 11, 22)


def today(folder: Path, day: date = TODAY) -> list[tuple[str, int, str, str]]:
    """The problems as of a day."""
    return [(p.file, p.line, p.text, p.mend) for p in loader.examine(folder, day)[1]]


def test_interest_names_a_test_that_is_there(folder: Path) -> None:
    replace(folder, UPDATES, 'balancing = "product-letters"', 'balancing = "product-leters"')
    problem = only(folder)
    assert (problem.file, problem.line) == (UPDATES, line_of(folder, UPDATES, "balancing"))
    assert "art. 6(1)(f)" in problem.text
    assert problem.mend == "did you mean `product-letters`?"


def test_without_the_register_no_interest_is_balanced(folder: Path) -> None:
    (folder / BALANCING).unlink()
    assert "no balancing test `product-letters`" in only(folder).text


@pytest.mark.parametrize(
    ("key", "told"),
    [("signed_by", "nobody signed"), ("signed_on", "without its day"), ("review_by", "never looked")],
)
def test_a_balancing_test_is_signed_dated_and_to_be_looked_at_again(
    folder: Path, key: str, told: str
) -> None:
    text = (folder / BALANCING).read_text()
    (folder / BALANCING).write_text("".join(x for x in text.splitlines(True) if not x.startswith(key)))
    problem = only(folder)
    assert (problem.file, problem.line) == (BALANCING, line_of(folder, BALANCING, "[product-letters]"))
    assert told in problem.text


def test_an_overdue_test_is_refused_by_check_and_does_not_keep_a_server_from_starting(folder: Path) -> None:
    assert today(folder) == []
    ((file, line, text, mend),) = today(folder, date(2031, 1, 13))
    assert (file, line) == (BALANCING, line_of(folder, BALANCING, "review_by"))
    assert "overdue since 2031-01-12" in text
    assert "sign it" in mend
    assert today(folder, date(2031, 1, 12)) == []
    loader.load(folder)


def test_a_test_signed_for_tomorrow_is_not_signed(folder: Path) -> None:
    replace(folder, BALANCING, "signed_on = 2026-01-12", "signed_on = 2026-11-23")
    assert "nobody has signed it yet" in today(folder)[0][2]


def test_a_test_reviewed_before_it_was_signed_is_refused_whatever_the_day(folder: Path) -> None:
    replace(folder, BALANCING, "review_by = 2031-01-12", "review_by = 2026-01-11")
    assert "before it was signed" in only(folder).text


@pytest.mark.parametrize(
    ("old", "new", "told", "mend"),
    [
        (
            'special_condition = "explicit_consent"',
            "",
            "without a condition (GDPR art. 9(2))",
            "special_condition",
        ),
        ('"explicit_consent"', '"explicit"', "no condition of GDPR art. 9(2)", "explicit_consent"),
    ],
)
def test_special_categories_need_a_condition_of_article_9(
    folder: Path, old: str, new: str, told: str, mend: str
) -> None:
    _diet(folder, "newsletter")
    assert problems(folder) == []
    replace(folder, NEWSLETTER, old, new)
    problem = only(folder)
    assert problem.file == NEWSLETTER
    assert told in problem.text
    assert mend in problem.mend


def test_explicit_consent_is_no_condition_of_what_rests_on_an_interest(folder: Path) -> None:
    _diet(folder, "product-updates")
    problem = only(folder)
    assert problem.line == line_of(folder, UPDATES, "special_condition")
    assert "a basis that is not consent" in problem.text


def _diet(folder: Path, purpose: str) -> None:
    """A field of art. 9(1), told of in every notice of the purpose, on explicit consent."""
    with (folder / "fields.toml").open("a", encoding="utf-8") as fields:
        fields.write(
            f'\n[diet]\npurposes = ["{purpose}"]\nsensitivity = "special"\nretention = "profile"\n'
            '[diet.title]\nen = "Diet"\n'
        )
    policy = f"purposes/{purpose}/policy.toml"
    replace(
        folder, policy, "data_kinds = [", 'special_condition = "explicit_consent"\ndata_kinds = ["diet", '
    )
    for notice in (folder / "purposes" / purpose).glob("notice.*.md"):
        text = notice.read_text(encoding="utf-8")
        notice.write_text(text.replace("\ndata = [", '\ndata = ["diet", ', 1), encoding="utf-8")


@pytest.mark.law("LP-29")
def test_what_is_offered_to_children_rests_on_consent(folder: Path) -> None:
    replace(folder, UPDATES, 'class = "marketing"', 'class = "marketing"\noffered_to_children = true')
    problem = only(folder)
    assert problem.line == line_of(folder, UPDATES, "offered_to_children")
    assert "art. 8" in problem.text


def test_no_program_alone_decides_about_children(folder: Path) -> None:
    both = 'class = "marketing"\noffered_to_children = true\nautomated_decisions = true'
    replace(folder, NEWSLETTER, 'class = "marketing"', both)
    assert any("recital 71" in problem.text for problem in problems(folder))


@pytest.mark.parametrize(
    ("old", "new", "key", "told"),
    [
        ('channels = ["process"]', 'channels = ["process", "email"]', "channels", "a device has no address"),
        ('basis = "consent"', 'basis = "consent"\ndouble_opt_in = true', "double_opt_in", "cannot confirm"),
        (
            'basis = "consent"',
            'basis = "consent"\noffered_to_children = true',
            "offered_to_children",
            "age of whoever",
        ),
        (
            'basis = "consent"',
            'basis = "legitimate_interests"\nbalancing = "product-letters"',
            "basis",
            "Directive 2002/58/EC art. 5(3)",
        ),
    ],
)
def test_a_device_is_followed_by_consent_and_has_no_address(
    folder: Path, old: str, new: str, key: str, told: str
) -> None:
    replace(
        folder, NEWSLETTER, 'channels = ["email"]', 'channels = ["process"]\nsubject = "device"\ngpc = true'
    )
    assert problems(folder) == []
    replace(folder, NEWSLETTER, old, new)
    found = [p for p in problems(folder) if told in p.text]
    assert found
    assert (found[0].file, found[0].line) == (NEWSLETTER, line_of(folder, NEWSLETTER, key))


@pytest.mark.parametrize(
    ("file", "old", "new", "start", "told", "mend"),
    [
        (HOURS, 'LV = "Europe/Riga"', 'LV = "Europe/Rigga"', "LV =", "unknown time zone", "Europe/Riga"),
        (HOURS, 'LV = "Europe/Riga"', 'Latvia = "Europe/Riga"', "Latvia", "no country", "ISO 3166"),
        ("controllers/nordwind.toml", "Europe/Riga", "Europe/Rigga", "time_zone", "unknown time zone", "Europe/Riga"),
        (HOURS, 'channel = "email"', 'channel = "emial"', 'channel = "emial"', "unknown channel", "`email`"),
        (HOURS, '"nordwind"', '"nordwint"', "controller", "unknown controller", "`nordwind`"),
        (HOURS, 'channels = ["sms"]', 'channels = ["smss"]', "channels", "unknown channel `smss`", "`sms`"),
        (HOURS, "until = 08:00:00", 'until = 08:00:00\nclasses = ["requested"]', "classes", "put off", "service"),
        (HOURS, "from = 21:00:00", "from = 08:00:00", "from", "begin when they end", "other hours"),
        (HOURS, "from = 21:00:00", "form = 21:00:00", "form", "unknown key `form`", "`from`"),
        (HOURS, "[[cap]]", "[[caps]]", "[[caps]]", "unknown key `caps`", "`cap`"),
        ("lists.toml", 'controllers = ["nordwind"]', "", "[own-nordwind]", "nobody's", "`controllers`"),
        ("lists.toml", 'channels = ["call"]', 'channels = ["cal"]', "channels", "unknown channel", "call"),
        ("ages.toml", "age = 14", "age = 12", "age = 12", "`age`", "correct"),
        ("eprivacy.toml", '= ["email"]', '= ["e-mail"]', 'channels = ["e-mail"]', "unknown channel", "email"),
        ("eprivacy.toml", "[[rule]]", "[[rules]]", "[[rules]]", "unknown key `rules`", "`rule`"),
    ],
)  # fmt: skip
def test_what_a_rule_names_is_there(
    folder: Path, file: str, old: str, new: str, start: str, told: str, mend: str
) -> None:
    replace(folder, file, old, new)
    found = [p for p in problems(folder) if told in p.text and p.file == file]
    assert found, [str(p) for p in problems(folder)]
    if start != "channels" or file == HOURS:
        assert found[0].line == line_of(folder, file, start)
    assert mend in found[0].mend


def test_hours_that_never_end_are_refused(folder: Path) -> None:
    with (folder / "schedule.toml").open("a", encoding="utf-8") as schedule:
        schedule.write('\n[[quiet]]\nchannels = ["sms"]\nfrom = 07:00:00\nuntil = 22:00:00\n')
    problem = only(folder)
    assert "never loud on sms" in problem.text


def test_two_rules_on_age_from_the_same_day_are_refused(folder: Path) -> None:
    with (folder / "ages.toml").open("a", encoding="utf-8") as ages:
        ages.write('\n[[rule]]\ncountry = "DK"\nage = 13\nsince = 2024-01-01\nsource = "nobody"\n')
    assert "a second rule for DK" in only(folder).text


@pytest.mark.parametrize("file", ["ages.toml", "lists.toml", "schedule.toml"])
def test_a_file_of_rules_may_be_left_out(folder: Path, file: str) -> None:
    (folder / file).unlink()
    assert problems(folder) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("ages.toml", "age = 14", "age = 15", "consent"),
        ("lists.toml", "fresh_for_days = 31", "fresh_for_days = 30", "marketing"),
        (HOURS, "messages = 30", "messages = 20", "nordwind"),
        ("balancing.toml", "review_by = 2031-01-12", "review_by = 2030-01-12", "interest"),
    ],
)
def test_the_version_of_a_purpose_follows_the_rules_that_bear_on_it_and_no_others(
    folder: Path, file: str, old: str, new: str, changed: str
) -> None:
    before = loader.load(folder).purposes
    replace(folder, file, old, new)
    after = loader.load(folder).purposes
    moved = {name for name in before if before[name].version != after[name].version}
    expected = {
        "consent": {"newsletter", "club-letter"},
        "marketing": {"newsletter", "club-letter", "product-updates"},
        "nordwind": {"newsletter", "product-updates"},
        "interest": {"product-updates"},
    }[changed]
    assert moved & {"newsletter", "club-letter", "product-updates"} == expected
    assert not moved & {"order-messages", "request-answers"}


def test_ten_thousand_purposes_are_refused_at_once_naming_the_limit(folder: Path) -> None:
    one = (folder / NEWSLETTER).read_text()
    for n in range(10_000):
        place = folder / f"purposes/p{n}"
        place.mkdir()
        (place / "policy.toml").write_text(one)
    began = perf_counter()
    with pytest.raises(PolicyInvalid, match=r"policy\.invalid") as refused:
        loader.load(folder)
    assert perf_counter() - began < 5
    (problem,) = refused.value.problems
    assert "there may be 256" in problem.text
    assert problem.text.startswith("10,0")
