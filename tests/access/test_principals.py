"""Deny by default: nothing that is not listed is allowed, to no role, for no purpose."""

import pytest

from registry.access.masking import mask, outline
from registry.access.principals import Principal, Rights, Role
from registry.kit.errors import Forbidden, Misuse
from registry.kit.ids import new_id

RIGHTS = Rights.of(
    [Role("engine", frozenset({"decision.check"})), Role("admin", frozenset({"decision.check"}))],
    {"letters": "acme", "offers": "acme", "club": "other"},
)


def engine(controllers=(), purposes=()):
    return Principal(new_id(), "engine", frozenset(controllers), frozenset(purposes))


@pytest.mark.law("LP-44")
def test_a_key_that_names_nothing_reaches_nothing():
    assert not any(RIGHTS.reaches(engine(), purpose) for purpose in RIGHTS.controllers)


@pytest.mark.law("LP-44")
def test_a_role_that_the_policy_does_not_list_may_do_nothing():
    nobody = Principal(new_id(), "auditor")
    with pytest.raises(Forbidden):
        RIGHTS.require(nobody, "decision.check")


@pytest.mark.law("LP-44")
def test_a_route_without_actions_is_open_to_nobody():
    with pytest.raises(Forbidden):
        RIGHTS.require(Principal(new_id(), "admin"))


def test_named_purposes_narrow():
    key = engine(purposes=["letters"])
    RIGHTS.require(key, "decision.check", purpose="letters")
    with pytest.raises(Forbidden) as refused:
        RIGHTS.require(key, "decision.check", purpose="offers")
    assert refused.value.code == "purpose.out_of_scope"


def test_a_named_controller_brings_all_its_purposes_and_no_other():
    key = engine(controllers=["acme"])
    assert [p for p in RIGHTS.controllers if RIGHTS.reaches(key, p)] == ["letters", "offers"]


def test_controllers_and_purposes_narrow_together():
    assert not RIGHTS.reaches(engine(["acme"], ["club"]), "club")


def test_one_purpose_of_a_controller_is_enough_to_say_no_to_all_its_marketing():
    assert RIGHTS.reaches_controller(engine(purposes=["letters"]), "acme")
    assert not RIGHTS.reaches_controller(engine(purposes=["letters"]), "other")


def test_an_unknown_purpose_is_named_as_such():
    with pytest.raises(Misuse) as wrong:
        RIGHTS.require(engine(["acme"]), "decision.check", purpose="typo")
    assert wrong.value.code == "purpose.unknown"
    assert wrong.value.field == "purpose"


def test_a_role_that_no_key_can_have_is_refused_at_start():
    with pytest.raises(ValueError, match="root"):
        Rights.of([Role("root")], {})


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("email", "jan.kowalski@example.test", "j•••@•••"),
        ("phone", "+48600100200", "•••00"),
        ("phone", "112", "•••"),
        ("first_name", "Jan", "•••"),
        ("external", "C-17", "•••"),
        ("email", "", ""),
    ],
)
def test_a_masked_value_shows_its_outline_only(field, value, shown):
    assert outline(field, value) == shown
    assert mask(Role("engine"), field, value) == shown
    assert mask(Role("dpo", unmasked=frozenset({field})), field, value) == value
