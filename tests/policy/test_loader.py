"""Reading a folder of policies: what ships is whole, and what is doubtful is refused by file, line and mend."""

from datetime import date
from pathlib import Path

import pytest

from registry.kit.shipped import folder as shipped_folder
from registry.policy import loader
from registry.policy.documents import PolicyInvalid
from registry.policy.model import EEA, Basis, ChannelGround, Grade, PurposeClass, Subscriber
from tests.policy.folders import line_of, only, problems, replace

NEWSLETTER = "purposes/newsletter/policy.toml"


def test_the_shipped_policies_have_no_problem() -> None:
    assert problems(shipped_folder("policies")) == []


def test_the_shipped_policies_say_what_the_readme_promises() -> None:
    policies = loader.load()
    classes = {name: (p.controller, p.class_, p.basis) for name, p in policies.purposes.items()}
    assert classes == {
        "newsletter": ("nordwind", PurposeClass.MARKETING, Basis.CONSENT),
        "product-updates": ("nordwind", PurposeClass.MARKETING, Basis.LEGITIMATE_INTERESTS),
        "order-messages": ("nordwind", PurposeClass.SERVICE, Basis.CONTRACT),
        "request-answers": ("nordwind", PurposeClass.LEGAL_NOTICE, Basis.LEGAL_OBLIGATION),
        "club-letter": ("polana", PurposeClass.MARKETING, Basis.CONSENT),
        "club-confirmations": ("polana", PurposeClass.REQUESTED, Basis.LEGAL_OBLIGATION),
    }
    assert policies.purposes["newsletter"].least_grade is Grade.ATTESTED
    assert policies.purposes["newsletter"].locales == ("en", "lv", "pl", "ru")


def test_soft_opt_in_exists_in_latvia_and_not_in_poland_or_where_nothing_is_known() -> None:
    policies = loader.load()
    day = date(2026, 6, 1)

    def allowed(country: str | None, kind: Subscriber, channel: str = "email") -> bool:
        return ChannelGround.SOFT_OPT_IN in policies.channel_grounds(country, channel, kind, day)

    assert allowed("LV", Subscriber.NATURAL)
    assert not allowed("PL", Subscriber.NATURAL)
    assert not allowed("PL", Subscriber.LEGAL)
    assert not allowed("LV", Subscriber.UNKNOWN)
    assert not allowed(None, Subscriber.NATURAL)
    assert not allowed("LV", Subscriber.NATURAL, "call")


def test_every_member_state_has_a_rule_for_every_electronic_channel() -> None:
    policies = loader.load()
    have = {(rule.country, rule.channel, rule.subscriber) for rule in policies.eprivacy}
    electronic = [name for name, channel in policies.channels.items() if channel.electronic_marketing]
    wanted = {(c, name, kind) for c in EEA for name in electronic for kind in ("natural", "legal")}
    assert have == wanted


def test_a_misspelt_key_is_named_with_its_line_and_the_key_that_was_meant(folder: Path) -> None:
    replace(folder, NEWSLETTER, "channels =", "chanels =")
    problem = only(folder)
    assert problem.file == NEWSLETTER
    assert problem.line == line_of(folder, NEWSLETTER, "chanels")
    assert "chanels" in problem.text
    assert "`channels`" in problem.mend


def test_a_misspelt_value_is_named_with_its_line(folder: Path) -> None:
    replace(folder, NEWSLETTER, 'least_grade = "attested"', 'least_grade = "atested"')
    problem = only(folder)
    assert problem.line == line_of(folder, NEWSLETTER, "least_grade")
    assert "unknown, attested, first_party" in problem.text


def test_broken_toml_is_named_with_its_line(folder: Path) -> None:
    replace(folder, NEWSLETTER, 'basis = "consent"', "basis = consent")
    problem = only(folder)
    assert (problem.file, problem.line) == (NEWSLETTER, line_of(folder, NEWSLETTER, "basis"))


def test_a_misspelt_key_in_a_table_of_a_file_is_found_in_its_table(folder: Path) -> None:
    replace(folder, "fields.toml", "[city]\npurposes", "[city]\npurpose")
    problem = only(folder)
    assert problem.line == line_of(folder, "fields.toml", "[city]") + 1
    assert "`purposes`" in problem.mend


def test_a_text_that_is_not_utf8_is_named_with_its_line(folder: Path) -> None:
    path = folder / "purposes/newsletter/notice.lv.md"
    path.write_bytes(path.read_bytes().replace("Kādam".encode(), "Kādam".encode("cp1257")))
    assert "UTF-8" in problems(folder)[0].text


def test_a_notice_that_misses_a_declared_language_is_refused(folder: Path) -> None:
    (folder / "purposes/newsletter/notice.ru.md").unlink()
    problem = only(folder)
    assert problem.file == NEWSLETTER
    assert problem.line == line_of(folder, NEWSLETTER, "locales")
    assert "ru" in problem.text
    assert "notice.ru.md" in problem.mend


def test_a_notice_that_is_older_in_one_language_is_refused(folder: Path) -> None:
    replace(folder, "purposes/newsletter/notice.ru.md", "version = 1", "version = 2")
    assert {p.text.split(" ")[3] for p in problems(folder)} == {"en", "lv", "pl"}


def test_a_locale_that_differs_from_the_name_of_the_file_is_refused(folder: Path) -> None:
    replace(folder, "purposes/newsletter/notice.ru.md", 'locale = "ru"', 'locale = "lv"')
    assert any(p.file.endswith("notice.ru.md") and p.line == 3 for p in problems(folder))


def test_a_rule_on_electronic_mail_is_not_there_twice(folder: Path) -> None:
    path = folder / "eprivacy.toml"
    text = path.read_text()
    path.write_text(text + text[text.rindex("[[rule]]") :])
    assert "second rule" in only(folder).text


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        loader.load(tmp_path / "nothing")
    assert refused.value.exit_code == 1


def test_a_version_is_the_hash_of_everything_a_decision_depends_on(folder: Path) -> None:
    before = {name: p.version for name, p in loader.load(folder).purposes.items()}
    assert before == {name: p.version for name, p in loader.load().purposes.items()}

    def changed() -> set[str]:
        now = {name: p.version for name, p in loader.load(folder).purposes.items()}
        found = {name for name in now if now[name] != before[name]}
        before.update(now)
        return found

    replace(folder, "purposes/newsletter/notice.en.md", "twice a month", "once a month")
    assert changed() == {"newsletter"}
    replace(folder, NEWSLETTER, "# Nordwind", "# A comment: Nordwind")
    assert changed() == set()
    replace(folder, "eprivacy.toml", "§ 7(3)", "§ 7 Abs. 3")
    assert changed() == {"newsletter", "product-updates", "club-letter"}
    replace(folder, "controllers/polana.toml", "30-001", "30-002")
    for notice in (folder / "purposes").glob("club-*/notice.*.md"):
        notice.write_text(notice.read_text(encoding="utf-8").replace("30-001", "30-002"), encoding="utf-8")
    assert changed() == {"club-letter", "club-confirmations"}


def test_a_material_change_of_the_notice_sets_the_least_version_and_an_editorial_one_does_not(
    folder: Path,
) -> None:
    assert loader.load(folder).purposes["club-letter"].least_notice_version == 3
    for locale in ("en", "pl"):
        file = f"purposes/club-letter/notice.{locale}.md"
        replace(folder, file, 'change = "material"', 'change = "editorial"')
    # Then grants under the text before hold on, and it tells nothing of the data that came since.
    found = problems(folder)
    assert {problem.file for problem in found} == {
        f"purposes/club-letter/notice.{x}.2.md" for x in ("en", "pl")
    }
    assert all("does not declare the data birth_date" in problem.text for problem in found)
    replace(folder, "purposes/club-letter/policy.toml", ', "birth_date"', "")
    fields = folder / "fields.toml"
    fields.write_text(fields.read_text(encoding="utf-8").partition("[birth_date]")[0], encoding="utf-8")
    assert [problem for problem in problems(folder) if "fields.toml" not in problem.file] == []


def test_problems_of_several_files_are_told_at_once(folder: Path) -> None:
    replace(folder, NEWSLETTER, "channels =", "chanels =")
    (folder / "purposes/product-updates/notice.lv.md").unlink()
    assert {problem.file for problem in problems(folder)} == {
        NEWSLETTER,
        "purposes/product-updates/policy.toml",
    }
