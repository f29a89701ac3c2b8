"""Examples for the document: the log."""

from registry.kit.http.examples import Example, Examples

_CHECKPOINT = (
    "zgoda/2ac3d877cffd48bf/log\n205\nG6luYgOf7/aDYB1z6XTsWvE4//HobfD7/W+OBpoznD4=\n\n"
    "\u2014 zgoda/2ac3d877cffd48bf/log WN1Y7PW0\u2026\n"
)

EXAMPLES: Examples = {
    "GET /log/checkpoint": Example(answers={"a signed tree head": _CHECKPOINT}),
}
