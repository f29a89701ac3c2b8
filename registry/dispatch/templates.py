"""Templates of messages in Liquid: what a marketer may write, checked whole before anybody is queued.

A template sees strings and nothing else: no file, no attribute of an object, no other template; loops, output
and local names are limited. A marketing template that hides who sends it, or how to say no, is refused here
(ePrivacy 13(4); LP-35), so that no code further down has to remember it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from liquid import Environment, StrictUndefined
from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.output import OutputNode
from liquid.exceptions import LiquidError
from liquid.template import BoundTemplate

from registry.dispatch import marketing_block
from registry.dispatch.template_sources import PARTS, TemplateSet, TemplateText
from registry.dispatch.visible import Visible
from registry.kit.errors import Misuse

CONTROLLER_NAME = "controller.name"
CONTROLLER_ADDRESS = "controller.address"
UNSUBSCRIBE_URL = "unsubscribe_url"
PREFERENCES_URL = "preferences_url"
# In a confirmation and in no other message: who can be sent it by everybody could be confirmed by everybody.
CONFIRM_URL = "confirm_url"
COMMON_VARIABLES = frozenset(
    {CONTROLLER_NAME, CONTROLLER_ADDRESS, "controller.contact", "purpose.title", "address", UNSUBSCRIBE_URL}
) | {PREFERENCES_URL}
LETTER_VARIABLES = COMMON_VARIABLES | {CONFIRM_URL}

_TAGS = {"#", "assign", "break", "capture", "case", "comment", "content", "continue", "cycle", "doc", "echo"} | {
    "for", "if", "illegal", "output", "unless"
}  # fmt: skip
# Filters whose result is bounded by what goes in; `replace`, `split`, `join` and `date` are not, `safe` switches
# the escaping off.
_FILTERS = {"abs", "append", "at_least", "at_most", "capitalize", "ceil", "default", "downcase", "escape"} | {
    "floor", "lstrip", "minus", "modulo", "newline_to_br", "plus", "prepend", "round", "rstrip", "size", "strip",
    "strip_html", "strip_newlines", "truncate", "truncatewords", "upcase", "url_encode",
}  # fmt: skip
_SEEN = " and nowhere hidden"


class _Limited(Environment):
    loop_iteration_limit = 1_000
    output_stream_limit = 400_000
    local_namespace_limit = 200_000
    context_depth_limit = 20

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        self.tags = {name: tag for name, tag in self.tags.items() if name in _TAGS}
        self.add_tag(marketing_block.MarketingTag)
        self.filters = {name: filter_ for name, filter_ in self.filters.items() if name in _FILTERS}


_PLAIN = _Limited(undefined=StrictUndefined)
_HTML = _Limited(undefined=StrictUndefined, autoescape=True)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The three texts of one person's message."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """A checked template in one locale."""

    locale: str
    subject: BoundTemplate
    text: BoundTemplate
    html: BoundTemplate

    def render(self, values: Mapping[str, object]) -> Rendered:
        """The texts for one person; `values` is nested as the variables are (`contact.first_name`).

        Raises Misuse `template.failed` when a limit is reached.
        """
        try:
            return Rendered(
                subject=self.subject.render(values),
                text=self.text.render(values),
                html=self.html.render(values),
            )
        except LiquidError as error:
            raise Misuse("template.failed", "The template cannot be rendered for this person.") from error


def compile_set(
    source: TemplateSet, *, fields: frozenset[str], marketing: bool, letter: bool = False
) -> dict[str, Compiled]:
    """Check every locale of a template and compile it; `letter` for one of our own, which may hold a confirmation.

    Raises Misuse as `compiled` and, of marketing, `refuse_anonymous` do.
    """
    found = compiled(source, fields=fields, marketing=marketing, letter=letter)
    if marketing:
        refuse_anonymous(found, fields)
    return found


def compiled(
    source: TemplateSet, *, fields: frozenset[str], marketing: bool, letter: bool = False
) -> dict[str, Compiled]:
    """Every locale of a template, ready to be rendered.

    `fields` are the contact fields that the catalogue declares for the purpose (R2), each of which is the
    variable `contact.<field>`. Raises Misuse, naming locale and part: `template.syntax`,
    `template.unknown_variable`, `template.subject_empty`, `template.marketing_block`, `template.failed`.
    """
    common = LETTER_VARIABLES if letter else COMMON_VARIABLES
    known = common | {f"contact.{field}" for field in fields}
    return {
        locale: _compile(locale, text, known, common, fields, marketing)
        for locale, text in sorted(source.locales.items())
    }


def nested(values: Mapping[str, str], fields: frozenset[str]) -> dict[str, object]:
    """Values by dotted variable as the tree that a template reads; a field without a value is empty."""
    tree: dict[str, object] = {"contact": dict.fromkeys(fields, "")}
    for variable, value in values.items():
        head, _, rest = variable.partition(".")
        if rest:
            cast(dict[str, str], tree.setdefault(head, {}))[rest] = value
        else:
            tree[head] = value
    return tree


def _compile(
    locale: str,
    text: TemplateText,
    known: frozenset[str],
    common: frozenset[str],
    fields: frozenset[str],
    marketing: bool,
) -> Compiled:
    parts = {part: _parse(locale, part, getattr(text, part)) for part in PARTS}
    for part, template in parts.items():
        if not marketing:
            marketing_block.refuse(locale, part, template)
        _refuse_unknown(locale, part, getattr(text, part), template, known)
    found = Compiled(locale, parts["subject"], parts["text"], parts["html"])
    probes = _probes(known)
    rendered = found.render(nested(probes, fields))
    found.render(nested({name: probes[name] for name in common}, fields))
    if not rendered.subject.strip():
        raise Misuse("template.subject_empty", "The subject is empty.", field=f"{locale}.subject")
    return found


def _probes(known: frozenset[str]) -> dict[str, str]:
    probes = {variable: f"Qz{number}probe" for number, variable in enumerate(sorted(known))}
    probes[UNSUBSCRIBE_URL] = "https://opt-out.invalid/p/u/probe"
    return probes


def _parse(locale: str, part: str, source: str) -> BoundTemplate:
    environment = _HTML if part == "html" else _PLAIN
    try:
        return environment.from_string(source)
    except LiquidError as error:
        line = source.count("\n", 0, error.token.start_index) + 1 if error.token else 1
        raise Misuse(
            "template.syntax", f"{part} ({locale}), line {line}: {error.args[0]}.", field=f"{locale}.{part}"
        ) from error


def _refuse_unknown(
    locale: str, part: str, source: str, template: BoundTemplate, known: frozenset[str]
) -> None:
    analysis = template.analyze()
    for name, spans in analysis.filters.items():
        if name not in _FILTERS:
            line = source.count("\n", 0, spans[0].index) + 1
            raise Misuse(
                "template.syntax",
                f"{part} ({locale}), line {line}: no filter {name}.",
                field=f"{locale}.{part}",
            )
    used = {str(variable) for variables in analysis.globals.values() for variable in variables}
    if unknown := sorted(used - known):
        raise Misuse(
            "template.unknown_variable",
            f"{part} ({locale}) uses what nobody declared for this purpose: {', '.join(unknown)}.",
            field=f"{locale}.{part}",
            mend=f"known are {', '.join(sorted(known))}",
        )


def refuse_anonymous(found: Mapping[str, Compiled], fields: frozenset[str]) -> None:
    """Refuse marketing that hides who sends it or the way out, of somebody with all the fields or with none.

    Raises Misuse, naming locale and part: `template.sender_missing`, `template.opt_out_missing`.
    """
    probes = _probes(COMMON_VARIABLES | {f"contact.{field}" for field in fields})
    for locale, one in found.items():
        for known in (probes, {name: probes[name] for name in COMMON_VARIABLES}):
            _refuse_anonymous(locale, one, one.render(nested(known, fields)), probes)


def _refuse_anonymous(locale: str, found: Compiled, rendered: Rendered, probes: Mapping[str, str]) -> None:
    for part, template in (("text", found.text), ("html", found.html)):
        always = set(_always(template.nodes))
        if part == "html":
            page = Visible.of(rendered.html)
            shown, links = " ".join(page.shown), page.links
        else:
            shown, links = rendered.text, {rendered.text}
        for variable in (CONTROLLER_NAME, CONTROLLER_ADDRESS):
            if variable not in always or probes[variable].casefold() not in shown.casefold():
                raise Misuse(
                    "template.sender_missing",
                    f"{part} ({locale}) does not always show who sends it.",
                    field=f"{locale}.{part}",
                    mend=f"write {{{{ {variable} }}}} outside every condition{_SEEN if part == 'html' else ''}",
                )
        url = probes[UNSUBSCRIBE_URL]
        reachable = url in links if part == "html" else any(url in link for link in links)
        if UNSUBSCRIBE_URL not in always or not reachable:
            where = f' as the href of a link with words in it{_SEEN}, <a href="{{{{ unsubscribe_url }}}}">'
            raise Misuse(
                "template.opt_out_missing",
                f"{part} ({locale}) does not always show how to say no.",
                field=f"{locale}.{part}",
                mend=f"write {{{{ unsubscribe_url }}}} outside every condition{where if part == 'html' else ''}",
            )


def _always(nodes: list[Node]) -> Iterator[str]:
    """Variables that a template prints whatever the values are: those outside every block."""
    for node in nodes:
        if isinstance(node, OutputNode) and isinstance(node.expression, FilteredExpression):
            left = node.expression.left
            if isinstance(left, Path):
                yield ".".join(str(segment) for segment in left.path)
