"""The picture in docs/message-states.md, from the table of moves."""

from hub.pipeline.states import FINISHED, MOVES, MessageState

BEGIN, END = "<!-- moves: written by scripts/docs -->\n", "<!-- end -->\n"


def within(text: str) -> str:
    """The page with its picture as it should be; the rest is written by hand."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("docs/message-states.md lacks the marks of its picture")
    return f"{before}{BEGIN}\n{picture()}\n{END}{after}"


def picture() -> str:
    """A state diagram in Mermaid: every move once, in the order of the table."""
    states = list(MessageState)
    lines = ["stateDiagram-v2", f"    [*] --> {states[0]}"]
    lines += [f"    {state} --> {other}" for state in states for other in states if other in MOVES[state]]
    lines += [f"    {state} --> [*]" for state in states if not MOVES[state]]
    assert all(MOVES[state] or state in FINISHED for state in states)
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"
