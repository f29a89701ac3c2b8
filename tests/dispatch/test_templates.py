"""What a template may say, and what is refused before anybody is queued."""

from pathlib import Path
from typing import Any

import pytest

from registry.dispatch.template_sources import TemplateSet, TemplateText, from_json, from_path
from registry.dispatch.templates import Compiled, compile_set, nested
from registry.kit.errors import Misuse

FIELDS = frozenset({"first_name", "city"})
TEXT = (
    "Hello {{ contact.first_name | default: 'you' }}\n"
    "{{ controller.name }}, {{ controller.address }}\n"
    "{{ unsubscribe_url }}"
)
SENDER = "{{ controller.name }} {{ controller.address }} "
HTML = (
    "<p>Hello {{ contact.first_name }}</p><p>{{ controller.name }}, {{ controller.address }}</p>"
    '<a href="{{ unsubscribe_url }}">no more</a>'
)
VALUES = {
    "contact.first_name": "Zoë <b>",
    "controller.name": "Nowa",
    "controller.address": "Riga",
    "controller.contact": "hello@example.com",
    "purpose.title": "News",
    "address": "a@example.com",
    "unsubscribe_url": "https://example.com/p/u/abc",
}


def compiled(
    *, subject: str = "News", text: str = TEXT, html: str = HTML, marketing: bool = True
) -> Compiled:
    source = TemplateSet({"en": TemplateText(subject, text, html)}, "en")
    return compile_set(source, fields=FIELDS, marketing=marketing)["en"]


def refused(**parts: Any) -> Misuse:
    with pytest.raises(Misuse) as caught:
        compiled(**parts)
    return caught.value


def test_values_are_escaped_in_html_and_plain_in_text() -> None:
    rendered = compiled().render(nested(VALUES, FIELDS))
    assert "Zoë &lt;b&gt;" in rendered.html
    assert rendered.text.startswith("Hello Zoë <b>\n")


def test_a_field_without_a_value_is_empty() -> None:
    values = {name: value for name, value in VALUES.items() if name != "contact.first_name"}
    assert compiled().render(nested(values, FIELDS)).text.startswith("Hello you\n")


@pytest.mark.parametrize(
    "variable", ["contact.religion", "contact", "secret", "contact['x']", "contact[address]"]
)
def test_an_undeclared_variable_is_refused_by_name(variable: str) -> None:
    error = refused(text=TEXT + "{{ " + variable + " }}")
    assert error.code == "template.unknown_variable"
    assert error.field == "en.text"
    assert variable.partition("[")[0] in error.detail


def test_a_variable_hidden_in_a_condition_that_never_holds_is_refused() -> None:
    assert refused(text=TEXT + "{% if false %}{{ secret }}{% endif %}").code == "template.unknown_variable"


@pytest.mark.law("LP-35")
@pytest.mark.parametrize("part", ["text", "html"])
@pytest.mark.parametrize("missing", ["controller.name", "controller.address"])
def test_marketing_without_the_sender_is_refused(part: str, missing: str) -> None:
    words = {"text": TEXT, "html": HTML}[part].replace("{{ " + missing + " }}", "")
    error = refused(**{part: words})
    assert (error.code, error.field) == ("template.sender_missing", f"en.{part}")


@pytest.mark.law("LP-35")
@pytest.mark.parametrize(
    "words",
    [
        SENDER,
        SENDER + "{% if contact.city == 'Riga' %}{{ unsubscribe_url }}{% endif %}",
        SENDER + "{{ unsubscribe_url | truncate: 12 }}",
        SENDER + "{% comment %}{{ unsubscribe_url }}{% endcomment %}",
    ],
)
def test_marketing_without_a_sure_opt_out_is_refused(words: str) -> None:
    assert refused(text=words).code == "template.opt_out_missing"


@pytest.mark.law("LP-35")
@pytest.mark.parametrize(
    "html",
    [
        "{{ controller.name }} {{ controller.address }} <!-- <a href='{{ unsubscribe_url }}'>no</a> -->",
        "{{ controller.name }} {{ controller.address }} {{ unsubscribe_url }}",
        "{{ controller.name }} {{ controller.address }} <img src='{{ unsubscribe_url }}'>",
    ],
)
def test_an_opt_out_that_nobody_can_follow_is_refused(html: str) -> None:
    assert refused(html=html).code == "template.opt_out_missing"


@pytest.mark.law("LP-35")
def test_a_sender_in_a_comment_or_style_is_refused() -> None:
    hidden = (
        "<style>{{ controller.name }} {{ controller.address }}</style><a href='{{ unsubscribe_url }}'>no</a>"
    )
    assert refused(html=hidden).code == "template.sender_missing"


def test_a_service_message_needs_neither() -> None:
    compiled(text="Your order", html="<p>Your order</p>", marketing=False)


@pytest.mark.parametrize(
    "source",
    [
        "{% include 'x' %}",
        "{% render 'x' %}",
        "{{ contact.first_name | safe }}",
        "{{ 'a' | replace: 'a', 'b' }}",
        "{% tablerow i in (1..3) %}{% endtablerow %}",
        "{{ unclosed",
        "{% if %}{% endif %}",
    ],
)
def test_what_could_reach_out_or_is_no_liquid_is_refused(source: str) -> None:
    error = refused(text=TEXT + source)
    assert error.code == "template.syntax"
    assert "line 3" in error.detail


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..1000000000) %}x{% endfor %}",
        "{% for i in (1..900) %}{% for j in (1..900) %}x{% endfor %}{% endfor %}",
        "{% assign a = 'aaaaaaaaaaaaaaaa' %}" + "{% assign a = a | append: a %}" * 60 + "{{ a }}",
        "{% capture a %}{% for i in (1..900) %}" + "x" * 4000 + "{% endfor %}{% endcapture %}",
    ],
)
def test_what_would_run_for_ever_is_refused(source: str) -> None:
    assert refused(text=TEXT + source).code == "template.failed"


@pytest.mark.parametrize("path", ["''.__class__", "contact.__class__", "address.__class__.__mro__"])
def test_no_attribute_of_an_object_can_be_reached(path: str) -> None:
    assert refused(text=TEXT + "{{ " + path + " }}").code in {"template.unknown_variable", "template.syntax"}


def test_reads_a_folder_of_files_and_of_toml(tmp_path: Path) -> None:
    (tmp_path / "en.subject").write_text("News\n")
    (tmp_path / "en.txt").write_text(TEXT)
    (tmp_path / "en.html").write_text(HTML)
    (tmp_path / "lv.toml").write_text(f"subject = 'Ziņas'\ntext = '''{TEXT}'''\nhtml = '''{HTML}'''", "utf-8")
    source = from_path(tmp_path)
    assert set(source.locales) == {"en", "lv"}
    assert source.fallback == "en"
    assert source.locales["en"].subject == "News"
    assert [source.choose(locale) for locale in ("lv", "lv-LV", "en_GB", "pl", "")] == [
        "lv",
        "lv",
        "en",
        "en",
        "en",
    ]


def test_reads_one_file_with_a_table_for_each_locale(tmp_path: Path) -> None:
    (tmp_path / "spring.toml").write_text('fallback = "pl"\n[pl]\nsubject="s"\ntext="t"\nhtml="h"\n')
    assert from_path(tmp_path / "spring").fallback == "pl"


def test_survives_the_way_into_the_database_and_back() -> None:
    source = TemplateSet({"en": TemplateText("s", "t", "h")}, "en")
    again = from_json(source.as_json() | {"hash": source.digest()})
    assert again == source
    assert again.digest() == source.digest()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (None, "template.invalid"),
        ({"locales": {}}, "template.locale_missing"),
        ({"locales": {"en": {"subject": "s", "text": "t"}}}, "template.part_missing"),
        ({"locales": {"en": {"subject": "s", "text": "t", "html": 1}}}, "template.invalid"),
        ({"locales": {"en": {"subject": "s", "text": "t", "html": "h", "mjml": "x"}}}, "template.invalid"),
        ({"locales": {"../x": {"subject": "s", "text": "t", "html": "h"}}}, "template.invalid"),
        (
            {"fallback": "lv", "locales": {"en": {"subject": "s", "text": "t", "html": "h"}}},
            "template.locale_missing",
        ),
        ({"locales": {"en": {"subject": "s", "text": "t" * 400_000, "html": "h"}}}, "template.too_large"),
    ],
)
def test_a_bad_template_is_refused_with_one_clear_code(data: Any, code: str) -> None:
    with pytest.raises(Misuse) as caught:
        from_json(data)
    assert caught.value.code == code


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(Misuse) as caught:
        from_path(tmp_path / "nothing")
    assert caught.value.code == "template.unreadable"
    assert "\n" not in caught.value.line()
