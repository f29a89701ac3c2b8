"""What the law does not let a policy say: each refusal names the file, the line, the article and the mend."""

from pathlib import Path

import pytest

from registry.policy import loader
from registry.policy.documents import PolicyInvalid
from tests.policy.folders import line_of, only, problems, replace

NEWSLETTER = "purposes/newsletter/policy.toml"
UPDATES = "purposes/product-updates/policy.toml"
NOTICE = "purposes/newsletter/notice.en.md"


@pytest.mark.law("LP-44")
def test_a_purpose_without_a_basis_is_refused(folder: Path) -> None:
    replace(folder, NEWSLETTER, 'basis = "consent"\n', "")
    problem = only(folder)
    assert "lawful basis" in problem.text
    assert "legitimate_interests" in problem.mend


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "told"),
    [
        (UPDATES, "balancing =", "# balancing =", "basis", "balancing test"),
        (NEWSLETTER, "withdrawal =", "# withdrawal =", "basis", "cannot be withdrawn"),
        (UPDATES, "similar_products =", "# similar_products =", "grounds", "similar"),
        (UPDATES, "grounds =", "# grounds =", "class", "ground of the channel"),
        (NEWSLETTER, 'least_grade = "attested"', 'least_grade = "unknown"', "least_grade", "never sendable"),
        (NEWSLETTER, 'channels = ["email"]', 'channels = ["email", "telex"]', "channels", "`telex`"),
        (NEWSLETTER, '"dzintara-dati"', '"dzintara-data"', "recipients", "dzintara-data"),
        (NEWSLETTER, 'controller = "nordwind"', 'controller = "nordwint"', "controller", "nordwint"),
        (NEWSLETTER, 'default_locale = "lv"', 'default_locale = "de"', "default_locale", "de"),
        (NEWSLETTER, 'pl = "Newsletter Nordwind"', "", "[title]", "title is missing in pl"),
        ("purposes/request-answers/policy.toml", "obligation =", "# obligation =", "basis", "obliges"),
        (
            "purposes/order-messages/policy.toml",
            '"service"',
            '"marketing"',
            "basis",
            "cannot rest on contract",
        ),
    ],
)
def test_what_the_law_asks_of_a_purpose_is_checked(
    folder: Path, file: str, old: str, new: str, key: str, told: str
) -> None:
    replace(folder, file, old, new)
    found = [p for p in problems(folder) if told in p.text]
    assert found, [str(p) for p in problems(folder)]
    assert (found[0].file, found[0].line) == (file, line_of(folder, file, key))
    assert found[0].mend


@pytest.mark.law("LP-35")
@pytest.mark.parametrize("channels", ['"sms"', '"email", "call"', '"process"'])
def test_each_channel_has_a_way_out_that_works_on_it(folder: Path, channels: str) -> None:
    channel = channels.split('"')[-2]
    replace(folder, NEWSLETTER, 'channels = ["email"]', f"channels = [{channels}]")
    assert not [p for p in problems(folder) if "route of `withdrawal`" in p.text]
    replace(folder, NEWSLETTER, '"one_click", "page", "message"', '"one_click"')
    (problem,) = [p for p in problems(folder) if "route of `withdrawal`" in p.text]
    assert f"works on {channel}" in problem.text
    assert (problem.file, problem.line) == (NEWSLETTER, line_of(folder, NEWSLETTER, "withdrawal"))
    assert "page or message" in problem.mend


def test_one_click_alone_is_enough_by_mail(folder: Path) -> None:
    replace(folder, NEWSLETTER, '"one_click", "page", "message"', '"one_click"')
    assert problems(folder) == []


def test_a_wrong_name_is_answered_with_the_nearest_one(folder: Path) -> None:
    replace(folder, NEWSLETTER, 'controller = "nordwind"', 'controller = "nordwint"')
    assert any("`nordwind`" in problem.mend for problem in problems(folder))


def test_marketing_on_a_channel_without_a_national_rule_is_refused(folder: Path) -> None:
    replace(folder, "channels.toml", "[call]", '[telex]\naddress = "phone"\n\n[call]')
    replace(folder, NEWSLETTER, 'channels = ["email"]', 'channels = ["email", "telex"]')
    assert "no rule for telex" in only(folder).text


@pytest.mark.law("LP-07")
@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("controller", "who the controller is"),
        ("purpose", "the purpose"),
        ("data", "the kinds of data"),
        ("withdrawal", "the right to withdraw"),
        ("recipients", "who receives the data"),
        ("retention", "how long"),
        ("rights", "the rights of the person"),
    ],
)
@pytest.mark.parametrize("how", ["undeclared", "empty"])
def test_a_notice_that_leaves_something_out_is_refused_and_the_thing_named(
    folder: Path, part: str, told: str, how: str
) -> None:
    path = folder / NOTICE
    lines = path.read_text().splitlines()
    declared = next(n for n, line in enumerate(lines) if line.startswith(f'{part} = "'))
    heading = "## " + lines[declared].partition('"')[2].rstrip('"')
    if how == "undeclared":
        del lines[declared]
    else:
        del lines[lines.index(heading) + 1]
    path.write_text("\n".join(lines))
    problem = only(folder)
    assert problem.file == NOTICE
    assert problem.line == line_of(folder, NOTICE, "[parts]")
    assert told in problem.text
    assert part in problem.mend


@pytest.mark.law("LP-07")
@pytest.mark.parametrize("told", ["-", "Two years.", "___ ... ---"])
def test_a_section_of_fewer_than_three_words_tells_nothing(folder: Path, told: str) -> None:
    before, _, after = (folder / NOTICE).read_text("utf-8").partition("## How to withdraw\n")
    rest = after.partition("\n\n")[2]
    (folder / NOTICE).write_text(f"{before}## How to withdraw\n{told}\n\n{rest}", "utf-8")
    problem = only(folder)
    assert (problem.file, problem.line) == (NOTICE, line_of(folder, NOTICE, "[parts]"))
    assert "the right to withdraw" in problem.text


@pytest.mark.law("LP-07")
def test_two_parts_under_one_heading_are_refused(folder: Path) -> None:
    replace(folder, NOTICE, 'withdrawal = "How to withdraw"', 'withdrawal = "Who asks you"')
    before, _, after = (folder / NOTICE).read_text("utf-8").partition("## How to withdraw\n")
    (folder / NOTICE).write_text(before + after.partition("\n\n")[2], "utf-8")
    problem = only(folder)
    assert (problem.file, problem.line) == (NOTICE, line_of(folder, NOTICE, "withdrawal ="))
    assert "`withdrawal` and `controller` are told under one heading" in problem.text
    assert problem.mend == "give each its own section"


@pytest.mark.law("LP-07")
def test_everything_that_is_missing_is_listed_at_once(folder: Path) -> None:
    path = folder / NOTICE
    path.write_text(path.read_text().split("## What for")[0])
    text = " ".join(problem.text for problem in problems(folder))
    for told in ("the purpose", "the kinds of data", "the right to withdraw"):
        assert told in text


@pytest.mark.law("LP-07")
def test_a_notice_that_names_another_controller_is_refused(folder: Path) -> None:
    path = folder / NOTICE
    path.write_text(path.read_text().replace("SIA Nordwind", "SIA Nordwinds Group"))
    replace(folder, "controllers/nordwind.toml", 'name = "SIA Nordwind"', 'name = "SIA Nordwind Rīga"')
    assert any("SIA Nordwind Rīga" in problem.text for problem in problems(folder))


@pytest.mark.law("LP-07")
def test_automated_decisions_must_be_told_of_where_there_are_any(folder: Path) -> None:
    path = folder / "purposes/newsletter"
    for notice in path.glob("notice.*.md"):
        text = notice.read_text()
        notice.write_text("".join(line for line in text.splitlines(True) if not line.startswith("automated")))
    assert problems(folder) == []
    replace(folder, NEWSLETTER, 'basis = "consent"', 'basis = "consent"\nautomated_decisions = true')
    found = problems(folder)
    assert len(found) == 4
    assert all("automated decisions" in problem.text for problem in found)


@pytest.mark.law("LP-07")
def test_transfers_must_be_told_of_where_there_are_any(folder: Path) -> None:
    replace(
        folder, "recipients.toml", 'country = "LV"', 'country = "US"\nmechanism = "SCC 2021/914, module two"'
    )
    found = problems(folder)
    assert found
    assert all("transfers to third countries" in problem.text for problem in found)


def test_a_recipient_in_a_third_country_needs_a_mechanism_and_a_processor_a_contract(folder: Path) -> None:
    replace(folder, "recipients.toml", 'country = "LV"', 'country = "US"')
    replace(folder, "recipients.toml", "contract =", "# contract =")
    text = " ".join(problem.text for problem in problems(folder))
    assert "art. 44 to 46" in text
    assert "art. 28(3)" in text


@pytest.mark.law("LP-07")
def test_a_field_that_the_notice_does_not_declare_cannot_be_used(folder: Path) -> None:
    replace(folder, "fields.toml", "[last_name]\npurposes = [", '[last_name]\npurposes = ["newsletter", ')
    assert "last_name" in only(folder).text
    replace(folder, NEWSLETTER, "data_kinds = [", 'data_kinds = ["last_name", ')
    found = problems(folder)
    assert len(found) == 4
    assert all("does not declare the data last_name" in problem.text for problem in found)


def test_a_field_that_identifies_cannot_be_segmented_on(folder: Path) -> None:
    replace(folder, "fields.toml", "[last_name]\n", "[last_name]\nsegmentable = true\n")
    assert "unsealed" in only(folder).text


def test_a_role_that_no_key_can_have_is_refused(folder: Path) -> None:
    replace(folder, "roles.toml", "[marketer]", "[marketeer]")
    assert any("marketer" in problem.mend for problem in problems(folder))


def test_more_live_purposes_than_the_gate_holds_are_refused(folder: Path) -> None:
    policies = loader.load(folder)
    one = policies.purposes["request-answers"]
    many = {f"purpose-{n}": one for n in range(300)}
    from registry.policy import checks

    found = list(checks.findings(policies.model_copy(update={"purposes": many})))
    assert any("300 live purposes" in finding.text for finding in found)


def test_policies_with_a_problem_are_not_loaded(folder: Path) -> None:
    replace(folder, NEWSLETTER, 'basis = "consent"\n', "")
    with pytest.raises(PolicyInvalid) as refused:
        loader.load(folder)
    assert refused.value.code == "policy.invalid"
    assert NEWSLETTER in refused.value.line()
