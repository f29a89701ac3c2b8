"""What no national rule may say of a channel, and no channel of itself (Directive 2002/58/EC art. 13)."""

from pathlib import Path

import pytest

from tests.policy.folders import line_of, only, problems, replace

RULES = "eprivacy.toml"
CHANNELS = "channels.toml"


def ruled(folder: Path, channel: str, subscriber: str, grounds: str) -> int:
    """One more rule for two countries; the line of its grounds."""
    path = folder / RULES
    text = path.read_text("utf-8") + (
        f'\n[[rule]]\ncountries = ["LV", "LT"]\nchannels = ["{channel}"]\nsubscribers = ["{subscriber}"]\n'
        f'grounds = [{grounds}]\nsince = 2026-01-01\nsource = "a reform"\n'
    )
    path.write_text(text, "utf-8")
    return len(text.splitlines()) - 2


@pytest.mark.law("LP-34")
@pytest.mark.parametrize(
    ("channel", "subscriber", "ground", "article"),
    [
        ("automated_call", "natural", "soft_opt_in", "13(1)"),
        ("automated_call", "legal", "exemption", "13(1)"),
        ("fax", "natural", "exemption", "13(1)"),
        ("fax", "legal", "soft_opt_in", "13(1)"),
        ("email", "natural", "exemption", "13(1), (2)"),
        ("sms", "natural", "exemption", "13(1), (2)"),
    ],
)
def test_a_rule_gives_no_ground_that_the_directive_does_not(
    folder: Path, channel: str, subscriber: str, ground: str, article: str
) -> None:
    line = ruled(folder, channel, subscriber, f'"consent", "{ground}"')
    problem = only(folder)
    assert (problem.file, problem.line) == (RULES, line)
    assert f"`{channel}` to {subscriber} persons cannot rest on {ground}" in problem.text
    assert f"art. {article})" in problem.text
    assert problem.mend.startswith("of consent")


@pytest.mark.parametrize(
    ("channel", "subscriber", "grounds"),
    [
        ("automated_call", "natural", '"consent"'),
        ("email", "natural", '"consent", "soft_opt_in"'),
        ("email", "legal", '"consent", "exemption"'),
        ("sms", "natural", '"soft_opt_in"'),
        ("call", "natural", '"consent", "exemption"'),
    ],
)
def test_a_rule_may_say_what_the_directive_leaves_to_a_state(
    folder: Path, channel: str, subscriber: str, grounds: str
) -> None:
    ruled(folder, channel, subscriber, grounds)
    assert problems(folder) == []


@pytest.mark.law("LP-34")
def test_a_channel_of_ones_own_rests_on_consent_alone(folder: Path) -> None:
    replace(folder, CHANNELS, "[fax]", '[robot]\naddress = "phone"\n\n[fax]')
    ruled(folder, "robot", "natural", '"consent", "soft_opt_in"')
    assert "`robot` to natural persons cannot rest on soft_opt_in" in only(folder).text


@pytest.mark.law("LP-34")
@pytest.mark.parametrize("channel", ["email", "sms", "automated_call"])
def test_no_channel_with_an_address_slips_out_of_article_13(folder: Path, channel: str) -> None:
    path = folder / CHANNELS
    head, mark, rest = path.read_text("utf-8").partition(f"[{channel}]\n")
    path.write_text(head + mark + rest.replace("= true", "= false", 1), "utf-8")
    problem = only(folder)
    assert problem.file == CHANNELS
    assert problem.line == line_of(folder, CHANNELS, f"[{channel}]") + 2
    assert "art. 13" in problem.text
    assert problem.mend == "electronic_marketing = true"


@pytest.mark.law("LP-34")
def test_mail_is_not_called_a_call(folder: Path) -> None:
    path = folder / CHANNELS
    head, mark, rest = path.read_text("utf-8").partition("[call]\n")
    path.write_text(head + mark + rest.replace('"phone"', '"email"', 1), "utf-8")
    problem = only(folder)
    assert (problem.file, problem.line) == (CHANNELS, line_of(folder, CHANNELS, "[call]") + 1)
    assert 'address = "phone"' in problem.mend
