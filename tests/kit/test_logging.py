"""What is logged is a JSON object a line, and never what people typed."""

import io
import json
import logging

import pytest
import structlog

from registry.kit import logging as ours

MAIL = "anna@example.org"


@pytest.fixture
def lines():
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    ours.configure("info", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], level = before[0], before[1]
    root.setLevel(level)


def test_an_event_is_one_json_line_with_its_area(lines):
    ours.log("gate").info("check.done", count=3)
    (line,) = lines()
    assert (line["area"], line["event"], line["count"], line["level"]) == ("gate", "check.done", 3, "info")
    assert line["time"].endswith("Z")


def test_a_logger_made_before_the_configuration_follows_it(lines):
    early = ours.log("early")
    stream = io.StringIO()
    ours.configure("info", stream)
    early.info("x.done")
    assert json.loads(stream.getvalue())["area"] == "early"


def test_what_is_told_often_is_the_same_line(lines):
    fields = {"route": "/x", "ms": 1.5, "actor": None, "status": 200}
    ours.often("http", "request.answered")(dict(fields))
    ours.log("http").info("request.answered", **fields)
    straight, usual = lines()
    assert straight.keys() == usual.keys()
    assert len(straight.pop("time")) == len(usual.pop("time"))
    assert straight == usual


def test_what_is_told_often_heeds_the_level_and_whoever_listens_in(lines):
    tell = ours.often("http", "request.answered")
    with structlog.testing.capture_logs() as events:
        tell({"status": 200})
    assert (events[0]["event"], events[0]["status"], lines()) == ("request.answered", 200, [])
    stream = io.StringIO()
    ours.configure("warning", stream)
    tell({"status": 200})
    assert stream.getvalue() == ""


def test_an_error_is_named_and_not_quoted(lines):
    try:
        raise ValueError(MAIL)
    except ValueError as error:
        ours.log("x").error("task.failed", exc_info=error)
        ours.log("x").error("task.failed", exc_info=True)
    assert [line["error"] for line in lines()] == ["ValueError", "ValueError"]
    assert all(MAIL not in json.dumps(line) for line in lines())
    assert all(line["at"].startswith("tests.kit.test_logging:") for line in lines())


def test_a_library_says_that_something_happened_and_not_what(lines):
    logging.getLogger("some.library").warning("duplicate key: %s", MAIL)
    try:
        raise ValueError(MAIL)
    except ValueError:
        logging.getLogger("psycopg").exception("failed for %s", MAIL)
    logging.getLogger("psycopg").warning("hidden")
    said = lines()
    assert [line["event"] for line in said] == ["some.library.warning", "psycopg.error"]
    assert said[1]["error"] == "ValueError"
    assert MAIL not in json.dumps(said)


def test_the_level_is_kept(lines):
    ours.log("x").debug("too.much")
    assert lines() == []
