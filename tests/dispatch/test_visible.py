"""What a reader of a mail sees: the sender and the way out count only where nothing hides them (LP-35)."""

import pytest

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
