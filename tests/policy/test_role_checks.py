"""What a role may not say, and that the list of actions is the one that routes and the shipped roles use."""

from pathlib import Path

import pytest
from litestar import Litestar

from registry.access.actions import ACTIONS, RESERVED
from registry.app import area_routers
from registry.kit.http.admission import OPTION, Admission
from registry.policy import loader
from tests.policy.folders import only, replace

ROLES = "roles.toml"


def given(folder: Path, role: str, action: str) -> int:
    """One more action for a role; the line of its actions."""
    replace(folder, ROLES, f"[{role}]\nactions = [", f'[{role}]\nactions = ["{action}", ')
    return (folder / ROLES).read_text("utf-8").splitlines().index(f"[{role}]") + 2


@pytest.mark.parametrize(
    ("action", "mend"),
    [
        ("contact.reed", "did you mean `contact.read`?"),
        ("decision.checks", "did you mean `decision.check`?"),
        ("all.actions", "reference"),
        ("*", "reference"),
    ],
)
def test_an_action_that_does_not_exist_is_refused(folder: Path, action: str, mend: str) -> None:
    line = given(folder, "auditor", action)
    problem = only(folder)
    assert (problem.file, problem.line) == (ROLES, line)
    assert f"unknown action `{action}`" in problem.text
    assert mend in problem.mend


@pytest.mark.parametrize(
    ("role", "action"),
    [
        *((role, "apikey.create") for role in ("dpo", "engine", "marketer", "write", "auditor")),
        *(
            (role, action)
            for role in ("engine", "marketer", "write", "auditor")
            for action in ("contact.erase", "keys.rotate", "policy.install")
        ),
    ],
)
def test_what_separates_the_roles_is_not_given_away(folder: Path, role: str, action: str) -> None:
    line = given(folder, role, action)
    problem = only(folder)
    assert (problem.file, problem.line) == (ROLES, line)
    assert f"`{action}` is not for a key of kind {role}" in problem.text
    assert problem.mend == f"take it out: it is for {', '.join(RESERVED[action])}"


def test_the_actions_are_those_of_the_shipped_roles_and_every_route_asks_for_one_of_them() -> None:
    shipped = {action for role in loader.load().roles.values() for action in role.actions}
    assert set(ACTIONS) == shipped
    asked: set[str] = set()
    for route in Litestar(area_routers(), openapi_config=None).routes:
        for handler in getattr(route, "route_handlers", ()):
            asked.update(handler.opt.get(OPTION, Admission()).actions)
    assert len(asked) > 20
    assert asked <= set(ACTIONS)
