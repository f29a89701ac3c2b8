"""Mails are read back with the standard library: what goes in comes out, and nothing else."""

import time
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import compat32, default
from email.utils import parsedate_to_datetime
from typing import cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.dispatch.mime import Encoding, Frame, content_hash, frame
from registry.kit.errors import Misuse

WHEN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
URL = "https://example.com/p/u/" + "a" * 67
words = st.text(st.characters(codec="utf-8"), max_size=400)


def one_line(text: str) -> str:
    return " ".join(text.split())


def build(sample: str = "hello", name: str = "Nowa", title: str = "News", *, one_click: bool = True) -> Frame:
    return frame(
        sender=(name, "hello@example.com"),
        list_id=(title, "newsletter.example.com"),
        one_click=one_click,
        sample=sample,
        key="campaign/en",
    )


def fill(
    made: Frame, subject: str = "Hi", text: str = "t", html: str = "<p>h</p>", to: str = "a@example.org"
) -> bytes:
    return made.fill(
        message_id=UUID(int=7), to=to, subject=subject, date=WHEN, text=text, html=html,
        one_click=URL if made.one_click else None,
    )  # fmt: skip


def read(mail: bytes) -> EmailMessage:
    message = message_from_bytes(mail, policy=default)
    assert not message.defects
    return message


def printable(text: str) -> str:
    """What a header can carry: control characters become spaces."""
    return one_line(
        "".join(" " if ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" else c for c in text)
    )


def quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(subject=words, name=words, title=words)
def test_headers_come_back_as_they_went_in(subject: str, name: str, title: str) -> None:
    mail = fill(build(name=name, title=title), subject=subject)
    message = read(mail)
    assert one_line(message["Subject"]) == printable(subject)
    assert message["From"].addresses[0].addr_spec == "hello@example.com"
    # The header's own parser (3.11) leaves a space between two encoded words of a name; RFC 2047 6.2 does not.
    raw = message_from_bytes(mail, policy=compat32)
    assert str(make_header(decode_header(raw["From"]))).removesuffix(" <hello@example.com>").strip() in {
        printable(name),
        quoted(printable(name)),
    }
    assert len(message.keys()) == 11


@given(text=words, html=words)
@pytest.mark.parametrize("sample", ["latin", "кириллица"])
def test_bodies_come_back_as_they_went_in(sample: str, text: str, html: str) -> None:
    message = read(fill(build(sample), text=text, html=html))
    plain, page = message.iter_parts()
    newline = text.replace("\r\n", "\n").replace("\r", "\n"), html.replace("\r\n", "\n").replace("\r", "\n")
    got = tuple(
        cast(bytes, part.get_payload(decode=True)).decode().replace("\r\n", "\n") for part in (plain, page)
    )
    assert got == newline
    assert [part.get_content_type() for part in (plain, page)] == ["text/plain", "text/html"]


@given(value=words)
def test_no_value_makes_a_header(value: str) -> None:
    evil = value + "\r\nBcc: victim@example.com\r\n\r\nbody"
    message = read(fill(build(name=evil, title=evil), subject=evil, text=evil, html=evil))
    assert "Bcc" not in message
    assert len(list(message.iter_parts())) == 2


@given(text=words, html=words, subject=words)
@pytest.mark.parametrize("sample", ["latin", "кириллица"])
def test_lines_are_short_seven_bit_and_end_in_crlf(sample: str, text: str, html: str, subject: str) -> None:
    mail = fill(build(sample), text=text, html=html, subject=subject)
    assert mail.isascii()
    assert b"\n" not in mail.replace(b"\r\n", b"")
    assert b"\r" not in mail.replace(b"\r\n", b"")
    lines = mail.split(b"\r\n")
    assert (
        max(len(line) for line in lines if not line.startswith((b"List-Unsubscribe:", b"Message-ID:"))) <= 100
    )
    assert max(map(len, lines)) <= 998


def test_one_click_headers_are_bare_and_unfolded() -> None:
    mail = fill(build())
    assert b"\r\nList-Unsubscribe: <" + URL.encode() + b">\r\n" in mail
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in mail
    message = read(mail)
    assert message["List-Id"] == "News <newsletter.example.com>"
    assert message["Message-ID"] == f"<{UUID(int=7).hex}@example.com>"
    assert parsedate_to_datetime(message["Date"]) == WHEN
    assert message["MIME-Version"] == "1.0"
    assert message["To"] == "a@example.org"


def test_service_mail_has_no_opt_out() -> None:
    assert b"List-Unsubscribe" not in fill(build(one_click=False))


def test_marketing_without_its_link_is_refused() -> None:
    with pytest.raises(Misuse, match=r"template.opt_out_missing"):
        build().fill(
            message_id=UUID(int=7), to="a@b.test", subject="", date=WHEN, text="", html="", one_click=None
        )


@pytest.mark.parametrize(
    "to",
    [
        "a@b\r\nBcc: c@d.test",
        "a b@c.test",
        "a@b.test, c@d.test",
        "<a@b.test>",
        "plain",
        "a@b@c.test",
        "a@" + "b" * 300,
    ],
)
def test_an_address_that_is_none_is_refused(to: str) -> None:
    with pytest.raises(Misuse, match=r"address.invalid"):
        fill(build(), to=to)


@pytest.mark.parametrize(
    "url", ["https://x/\r\nA: b", "https://x/>", "ftp://x", "https://x/" + "y" * 1000, "https://ł.test/"]
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Misuse, match=r"url.invalid"):
        build().fill(
            message_id=UUID(int=7), to="a@b.test", subject="", date=WHEN, text="", html="", one_click=url
        )


def test_the_same_values_give_the_same_bytes() -> None:
    assert fill(build()) == fill(build())
    assert len(content_hash(fill(build()))) == 32


def test_the_encoding_follows_the_script() -> None:
    assert build("Dzień dobry, oto nasze nowości").encoding is Encoding.QUOTED_PRINTABLE
    assert build("Здравствуйте").encoding is Encoding.BASE64


def test_is_ten_times_as_fast_as_the_standard_library() -> None:
    made, html = build(), "<p>lorem ipsum dolor sit amet</p>\n" * 40

    def standard() -> bytes:
        message = EmailMessage()
        message["Subject"], message["To"], message["From"] = "Hi", "a@example.org", "hello@example.com"
        message.set_content("text\n" * 40)
        message.add_alternative(html, subtype="html")
        return message.as_bytes()

    def spent(make: object, times: int) -> float:
        start = time.process_time()
        for _ in range(times):
            make()  # type: ignore[operator]  # a plain callable
        return (time.process_time() - start) / times

    ours = min(spent(lambda: fill(made, text="text\n" * 40, html=html), 300) for _ in range(3))
    assert min(spent(standard, 60) for _ in range(3)) > 10 * ours
