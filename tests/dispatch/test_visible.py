"""What a reader of a mail sees: the sender and the way out count only where nothing hides them (LP-35)."""

import pytest

from registry.dispatch import hiding
from registry.dispatch.visible import Visible
from tests.dispatch.test_templates import HTML, SENDER, compiled, refused

URL = "{{ unsubscribe_url }}"
LINK = f'<a href="{URL}">no more</a>'
SHEET = (
    "<style>SHEET</style>" + SENDER + f'<table id="Foot"><tr><td class="end Small">{LINK}</td></tr></table>'
)


def seen(html: str) -> bool:
    """Whether the link to `u` is seen in this page."""
    return "u" in Visible.of(html).links


@pytest.mark.law("LP-35")
@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "color:red; DISPLAY : None !important",
        "dis/* */play:none;display:none",
        r"d\69splay:none",
        "visibility:hidden",
        "opacity:0",
        "opacity:.01",
        "font-size:0",
        "font-size:1px",
        "font:0/0 a",
        "font-size:calc(1px - 1px)",
        "max-height:0;overflow:hidden",
        "height:1px;overflow-y:hidden",
        "position:absolute;left:-9999px",
        "text-indent:-100em",
        "color:transparent",
        "clip:rect(0 0 0 0)",
        "mso-hide:all",
    ],
)
def test_a_style_that_hides(style: str) -> None:
    assert refused(html=f'{SENDER}<a href="{URL}" style="{style}">no</a>').code == "template.opt_out_missing"
    around = f'{SENDER}<div style="{style}"><p>{LINK}</p></div>'
    assert refused(html=around).code == "template.opt_out_missing"
    assert refused(html=f'<p style="{style}">{SENDER}</p>{LINK}').code == "template.sender_missing"


@pytest.mark.law("LP-35")
@pytest.mark.parametrize(
    "style",
    [
        "",
        "display:block;color:#999;font:11px/1.4 Arial;text-decoration:none",
        "font-size:.8em;opacity:.7;margin-left:-50%;left:50%",
        "font:700 12px Arial;height:40px;overflow:hidden",
        "font-size:small;visibility:visible;width:1px",
    ],
)
def test_a_style_that_hides_nothing(style: str) -> None:
    compiled(html=f'<div style="{style}">{SENDER}<a href="{URL}" style="{style}">no</a></div>')


@pytest.mark.law("LP-35")
@pytest.mark.parametrize(
    "words",
    [
        "",
        " &nbsp;\n",
        "&#8203;&zwnj;&#x3164;",
        ".",
        "<img src='x.png'>",
        "<img src='x.png' alt=' '>",
        "<img src='x.png' alt='no more' width='1' height='1'>",
        "<img src='x.png' alt='no more' style='display:none'>",
        "<span hidden>no more</span>",
        "<!-- no more -->",
        "<template>no more</template>",
        "<a href='https://example.com'>no more</a>",
    ],
)
def test_a_link_without_a_word(words: str) -> None:
    assert refused(html=f'{SENDER}<a href="{URL}">{words}</a> Buy!').code == "template.opt_out_missing"


def test_a_picture_that_says_what_it_is_will_do() -> None:
    compiled(html=f'{SENDER}<a href="{URL}"><b><img src="x.png" alt="no more"></b></a>')


@pytest.mark.law("LP-35")
@pytest.mark.parametrize(
    "html",
    [
        "<p hidden><a href=u>no</a></p>",
        "<div><b hidden>x</div><a href=u>no</a>",
        "<div hidden/><a href=u>no</a>",
        "<span><div hidden></span><a href=u>no</a></div>",
        "<p><b style='font-size:0'></p><a href=u>no</a>",
        "<div style='font-size:0'><p style='font-size:12px'>x<p><a href=u>no</a></div>",
        "<div style='font-size:0'><a href=u style='font-size:1.5em'>no</a></div>",
        "<div style='display:none'><a href=u style='display:block'>no</a></div>",
        "<p style='display:none' style='display:block'><a href=u>no</a></p>",
        "<!-- -- ><a href=u>no</a> -->",
        "<textarea><a href=u>no</a></textarea>",
        "<details><a href=u>no</a></details>",
        "<a href=u><a href=v></a></a>no",
        "<![foo[<a href=u>no</a>",
    ],
)
def test_what_hides_from_further_off(html: str) -> None:
    assert not seen(html)


@pytest.mark.parametrize(
    "html",
    [
        "<p hidden>Preview</p><a href=u>no</a>",
        "<div hidden><p>x</div><a href=u>no</a>",
        "<div hidden><br>x<img src=y></div><a href=u>no</a>",
        # As MJML writes a cell.
        "<td style='font-size:0px'><div style='font-size:13px'><a href=u>no</a></div></td>",
        "<div style='visibility:hidden'><a href=u style='visibility:visible'>no</a></div>",
        "<!--[if mso]><p><![endif]--><!--[if !mso]><!--><a href=u>no</a><!--<![endif]-->",
        "<style>.x{display:none}</style><svg><path d=''/></svg><a href=u>no</a>",
        "<ul><li hidden>x<li><a href=u>no</a></ul>",
        "<!doctype html><html><head><title>x</title></head><body><a href=u>no</a></body></html>",
    ],
)
def test_what_is_seen(html: str) -> None:
    assert seen(html)


@pytest.mark.law("LP-35")
@pytest.mark.parametrize(
    "sheet",
    [
        "a{display:none}",
        "TD.end a , h1 { color: red; Display: none !important }",
        ".end{visibility:hidden}",
        "#foot{opacity:0}",
        "body > table#foot td.small.end{font-size:0}",
        "@media (max-width: 600px) { .end { display:none } }",
        "@import 'x'; .end{display:none}",
        ".other{color:red; .end{display:none} }",
        ".end{display:none; b{color:red} }",
        "*{display:none}",
        "a:not(.x){display:none}",
        "td[class=end]{display:none}",
        "td[class~='small']{display:none}",
        "<!-- .end{display:none} -->",
        r".e\6ed{} .end{/* } */display:none}",
    ],
)
def test_a_style_sheet_that_hides_the_way_out(sheet: str) -> None:
    assert refused(html=SHEET.replace("SHEET", sheet)).code == "template.opt_out_missing"


@pytest.mark.parametrize(
    "sheet",
    [
        ".preheader{display:none}",
        "p{display:none} .end.other{display:none} #top{opacity:0}",
        ".end::before, td:after{display:none}",
        ".end{display:block} a{color:#999} u + .body .hide{display:none}",
        "*[class=hide]{display:none} div[style*='margin: 16px 0;']{margin:0}",
        r".md\:end{display:none}",
    ],
)
def test_a_style_sheet_that_hides_something_else(sheet: str) -> None:
    compiled(html=SHEET.replace("SHEET", sheet))


@pytest.mark.parametrize(
    "sheet",
    [
        # As BEE and Cerberus write them.
        ".image_block img+div { display:none }",
        "img.g-img + div { display:none !important }",
        ".preheader{display:none!important;mso-hide:all;max-height:0;overflow:hidden}",
        "table{mso-hide:all}",
        ".desktop_hide table{mso-hide:all;display:none;max-height:0;overflow:hidden}",
        "@media (max-width:596px){table.body .hide-for-large *{display:none}}",
        ".hide-for-large * {display:none!important}",
        ".foot a{display:none}",
        "td.end > table a{display:none}",
    ],
)
def test_a_style_sheet_of_a_builder(sheet: str) -> None:
    html = SHEET.replace("SHEET", sheet)
    compiled(html=f"<div class='preheader'>Hello</div><img class='g-img'><div>{html}</div>")


@pytest.mark.law("LP-35")
@pytest.mark.parametrize(
    "sheet", [".foot a{display:none}", ".foot>a{display:none}", "a:not(:is(.x) + b){display:none}"]
)
def test_a_style_sheet_that_hides_what_is_in_an_element(sheet: str) -> None:
    html = f"<style>{sheet}</style>{SENDER}<div class='foot'>{LINK}</div>"
    assert refused(html=html).code == "template.opt_out_missing"


FOOT: hiding.Known = ("div", "", ["foot"])
PLAIN: hiding.Known = ("div", "", [])


@pytest.mark.law("LP-35")
@pytest.mark.parametrize(
    ("selector", "around", "named"),
    [
        (".foot a", [FOOT], True),
        (".foot a", [FOOT, PLAIN], True),
        (".foot a", [PLAIN], False),
        (".foot a", [], False),
        (".foot > a", [PLAIN, FOOT], True),
        (".foot > a", [FOOT, PLAIN], False),
        (".foot>div a", [FOOT, PLAIN, FOOT], True),
        (".foot > div > a", [FOOT, FOOT, PLAIN], True),
        (".foot > div.foot a", [FOOT, PLAIN, FOOT], False),
        (".foot .foot a", [FOOT], False),
        # What stands in no mail but in every browser, and what may be anything.
        ("html > body > a", [], True),
        (".foot > tbody > a", [FOOT], True),
        (".foot > * a", [FOOT], True),
        ("body > a", [PLAIN], True),
        (".hide-for-large *", [FOOT], False),
        (".desktop_hide table, .foot *", [FOOT], True),
        (".foot + a", [FOOT], False),
        (".foot ~ div a", [FOOT, PLAIN], False),
        (r".a\+b a", [("p", "", ["a+b"])], True),
    ],
)
def test_a_selector_asks_for_what_is_around(selector: str, around: list[hiding.Known], named: bool) -> None:
    rules = hiding.rules(f"<style>{selector}{{display:none}}</style>")
    assert any(rule.names("a", "", [], around) for rule in rules) is named


def test_a_long_selector_in_a_deep_page_is_judged_in_a_moment() -> None:
    (rule,) = hiding.rules(f"<style>.x {'div ' * 500} a{{display:none}}</style>")
    assert not rule.names("a", "", [], [PLAIN] * 500)


@pytest.mark.law("LP-35")
def test_the_way_out_is_not_hidden_from_somebody_without_a_city() -> None:
    html = HTML.replace("<a ", "<a {% if contact.city == '' %}hidden{% endif %} ")
    assert refused(html=html).code == "template.opt_out_missing"


@pytest.mark.parametrize(
    "piece", ["<style ", "<!", "<!--", "<a ", "<style>{", "</", "[", "<div hidden>", ".a\\"]
)
def test_a_page_of_one_piece_over_and_over_is_judged_in_a_moment(piece: str) -> None:
    assert not seen(f"<style>{piece * 10_000}")
    assert not seen(piece * 10_000)
