"""What a rule becomes in SQL: constants for the policy's numbers, and nothing asked that is decided already."""

import pytest

from registry.gate.expressions import FALSE, TRUE, Expression, case, column, instant, text_of
from registry.kit.clock import NEVER

a, b, at = column("consent"), column("grade"), column("valid_until")


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (a == 1, "gate_state.consent = (1)::SMALLINT"),
        (at <= instant("at"), "gate_state.valid_until <= %(at)s::TIMESTAMP WITH TIME ZONE"),
        ((a == 1) | (b == 2), "gate_state.consent = (1)::SMALLINT OR gate_state.grade = (2)::SMALLINT"),
        (
            at > NEVER,
            "gate_state.valid_until > ('1899-01-01T00:00:00+00:00'::timestamptz)::TIMESTAMP WITH TIME ZONE",
        ),
        (a.in_([3, 5]), "gate_state.consent IN ((3)::SMALLINT, (5)::SMALLINT)"),
    ],
)
def test_the_numbers_of_a_policy_are_constants_and_an_instant_is_a_parameter(
    made: Expression, text: str
) -> None:
    assert text_of(made) == text


def test_what_is_decided_already_is_not_asked() -> None:
    condition = a == 1
    for made in (condition & TRUE, TRUE & condition, condition | FALSE, FALSE | condition):
        assert text_of(made) == text_of(condition)
    for made in (condition & FALSE, FALSE & condition):
        assert text_of(made) == "false"
    for made in (condition | TRUE, TRUE | condition):
        assert text_of(made) == "true"
    assert (
        text_of(case([(FALSE, 1), (condition, 2)], 0))
        == f"CASE WHEN ({text_of(condition)}) THEN 2 ELSE 0 END"
    )
    assert text_of(case([(FALSE, 1)], 0)) == "0"


def test_a_condition_is_neither_true_nor_false_before_it_is_run() -> None:
    with pytest.raises(TypeError):
        bool(a < 1)
