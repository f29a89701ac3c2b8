"""`{% marketing %}...{% endmarketing %}`: what of a template is advertising, so that it rides on no other message.

An order mail with an offer in it is advertising, too (Directive 2002/58/EC art. 13; CJEU C-654/23): to whoever may not
be advertised to it must not go. In a message of a marketing purpose the block stands as it is; everywhere else the
template is refused (LP-36).
"""

from collections.abc import Iterable, Iterator
from typing import TextIO

from liquid.ast import BlockNode, Node
from liquid.context import RenderContext
from liquid.parser import get_parser
from liquid.stream import TokenStream
from liquid.tag import Tag
from liquid.template import BoundTemplate
from liquid.token import TOKEN_EOF, TOKEN_TAG, Token

from registry.kit.errors import Misuse

TAG = "marketing"
_END = "endmarketing"
# A way out of advertising is offered where there is advertising.
_OPT_OUT = "unsubscribe_url"


class _Block(Node):
    __slots__ = ("block",)

    def __init__(self, token: Token, block: BlockNode) -> None:
        super().__init__(token)
        self.block = block

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return self.block.render(context, buffer)

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        return await self.block.render_async(context, buffer)

    def children(self, static_context: RenderContext, *, include_partials: bool = True) -> Iterable[Node]:
        yield self.block


class MarketingTag(Tag):
    """The tag, for an environment's `add_tag`."""

    name = TAG
    end = _END

    def parse(self, stream: TokenStream) -> Node:
        """From after the tag's name to its end."""
        token = stream.eat(TOKEN_TAG)
        block = get_parser(self.env).parse_block(stream, frozenset((_END, TOKEN_EOF)))
        stream.expect(TOKEN_TAG, value=_END)
        return _Block(token, block)


def blocks(template: BoundTemplate) -> Iterator[str]:
    """What in a template says that it is advertising: a marketing block, or the link that ends advertising."""
    analysis = template.analyze()
    if TAG in analysis.tags:
        yield f"a {TAG} block"
    if _OPT_OUT in analysis.globals:
        yield _OPT_OUT


def refuse(locale: str, part: str, template: BoundTemplate) -> None:
    """Misuse `template.marketing_block` for a template of a purpose that is no marketing."""
    for found in blocks(template):
        raise Misuse(
            "template.marketing_block",
            f"{part} ({locale}) has {found}, and the message is no marketing (Directive 2002/58/EC art. 13).",
            field=f"{locale}.{part}",
            mend="take it out, or send it apart under a marketing purpose",
        )
