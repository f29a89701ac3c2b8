"""A purpose of devices beside those that ship, in an installation of the test's own."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from registry.access.workspace import Workspace
from registry.consents import projection
from registry.kit.database import Database, Role
from registry.kit.journal import FileJournal
from registry.kit.shipped import folder as shipped_folder
from registry.policy import loader, service
from registry.policy.model import PolicySet
from tests.persons import CALLER

ANALYTICS = "site-analytics"
POLICY = """\
# Which pages of the shop are read, counted by browser: on the browser's own consent, and never across devices.
controller = "nordwind"
class = "service"
basis = "consent"
channels = ["process"]
subject = "device"
gpc = true
least_grade = "first_party"
valid_for_days = 180
withdrawal = ["page", "message"]
data_kinds = ["device", "locale"]
recipients = ["dzintara-dati"]
locales = ["en"]
default_locale = "en"

[title]
en = "Statistics of the shop's pages"
"""
NOTICE = """\
+++
version = 1
locale = "en"
change = "material"
data = ["device", "locale"]

[parts]
controller = "Who asks you"
purpose = "What for"
basis = "On what legal ground"
data = "Which data"
recipients = "Who receives them"
retention = "How long"
withdrawal = "How to withdraw"
rights = "Your other rights"
+++
# Statistics of the shop's pages

## Who asks you
SIA Nordwind, Vētras iela 7, Rīga. Write to dati@nordwind.example.

## What for
To count which pages are read.

## On what legal ground
Your consent (article 6(1)(a) GDPR).

## Which data
A number of this browser and its language.

## Who receives them
Our hosting provider, SIA Dzintara Dati in Latvia, under a contract.

## How long
Half a year, or until you withdraw.

## How to withdraw
At any time, on the page of the shop's settings.

## Your other rights
You can see your data, have them corrected, erased or restricted, and complain to a supervisory authority.
"""
# The same signal for persons: profiling for advertising.
PROFILING = (
    POLICY.replace('subject = "device"\n', "")
    .replace('channels = ["process"]', 'channels = ["email"]\ngrounds = ["consent"]')
    .replace('class = "service"', 'class = "marketing"')
    .replace('["page", "message"]', '["one_click", "page", "message"]')
)


def tracked_policies(to: Path) -> Path:
    """The shipped policies with two more purposes that yield to `Sec-GPC`: of devices, and of persons."""
    folder = Path(shutil.copytree(shipped_folder("policies"), to / "policies"))
    for name, policy in ((ANALYTICS, POLICY), ("profiled-letters", PROFILING)):
        (folder / "purposes" / name).mkdir()
        (folder / "purposes" / name / "policy.toml").write_text(policy, "utf-8")
        (folder / "purposes" / name / "notice.en.md").write_text(NOTICE, "utf-8")
    fields = (folder / "fields.toml").read_text("utf-8")
    head, locale, rest = fields.partition("[locale]\n")
    rest = rest.replace("purposes = [", f'purposes = ["{ANALYTICS}", "profiled-letters", ', 1)
    (folder / "fields.toml").write_text(head + locale + rest, "utf-8")
    return folder


@cache
def _loaded() -> PolicySet:
    with tempfile.TemporaryDirectory() as folder:
        return loader.load(tracked_policies(Path(folder)))


@asynccontextmanager
async def tracking(workspace: Workspace) -> AsyncIterator[Workspace]:
    """The installation with these purposes put into force, as a start would do it."""
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        done = await service.install(session, workspace.ring, _loaded(), author="operator", reason="test")
    database = Database(
        workspace.database.urls,
        settle=partial(projection.settle, policies=done.policies),
        journal=FileJournal(workspace.settings.journal_folder),
    )
    await database.open()
    yield replace(workspace, database=database, policies=done.policies)
    await database.close()
