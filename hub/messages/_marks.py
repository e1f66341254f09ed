"""The few marks of a text's source, and what becomes of them: plain text, or paragraphs of HTML.

Blank lines part paragraphs, `- ` begins a list item, `Label:: value` is a fact, `[words](address)` is a link. A link is
one only where its address is a field of that kind, `link(...)`, or stands in the template itself: it travels between
control characters that no value can hold.
"""

import re
from collections.abc import Iterator
from itertools import groupby

from markupsafe import Markup, escape

from ._values import Link

OPEN, BETWEEN, CLOSE, LINE = "\x01", "\x03", "\x02", "\x05"
_ANCHOR = re.compile(r"(?:\[([^\[\]\n\x01\x02]{1,200})\]\()?\x01([^\x01-\x03]*)\x03([^\x01-\x03]*)\x02(?(1)\)|)")
_FACT = re.compile(r"([^:\n\x01]{1,60}):: (.+)")
_ADDRESS = re.compile(r"https?://[^\s<>\"'()\[\]{}\x00-\x20]+")


def marked(link: Link) -> str:
    return f"{OPEN}{link.href}{BETWEEN}{link.shown}{CLOSE}"


def mark_addresses(text: str, *, cut: bool) -> str:
    """Web addresses that stand in the template itself; one that is `cut` off by a value is left alone."""

    def mark(found: re.Match[str]) -> str:
        address = found.group().rstrip(".,;:!?")
        if cut and found.end() == len(text):
            return found.group()
        return marked(Link(address, address)) + found.group()[len(address) :]

    return _ADDRESS.sub(mark, text)


def mark_lines(source: str) -> str:
    """A mark behind every line that begins and ends with a tag: if nothing comes of it, the line goes too."""
    return "\n".join(line + LINE if _is_tagged(line) else line for line in source.split("\n"))


def _is_tagged(line: str) -> bool:
    inner = line.strip()
    return inner.startswith("{%") and inner.endswith("%}") and inner.count("{%") == inner.count("%}")


def tidy(filled: str) -> str:
    """The filled text without lines that came to nothing, without blanks at line ends, and with single blank lines."""
    lines = [line for line in filled.split("\n") if LINE not in line or line.replace(LINE, "").strip()]
    stripped = (line.replace(LINE, "").strip() for line in lines)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(stripped)).strip("\n")


def plain(text: str) -> str:
    """As it is read in plain text: facts with one colon, links as `words: address`."""
    facts = "\n".join(_plain_fact(line) for line in text.split("\n"))
    return _ANCHOR.sub(_plain_link, facts)


def _plain_fact(line: str) -> str:
    found = _FACT.fullmatch(line)
    return f"{found[1]}: {found[2]}" if found else line


def _plain_link(found: re.Match[str]) -> str:
    words, href, shown = found.groups()
    if words is None:
        return str(shown)
    return f"{words}: {href}" if words != shown else str(href)


def one_line(text: str, most: int = 200) -> str:
    """As a subject or a button: one line, cut at a word where it is too long."""
    line = re.sub(r"[\s\x00-\x1f]+", " ", plain(tidy(text))).strip()
    return line if len(line) <= most else line[: most - 1].rsplit(" ", 1)[0] + "…"


# ---------------------------------------------------------------- HTML

_DL = "margin:0 0 16px"
_DT, _DD = "font-size:14px;line-height:20px;color:#57606a", "margin:0 0 8px;font-weight:600"
_P, _UL, _LI = "margin:0 0 16px", "margin:0 0 16px;padding:0 0 0 20px", "margin:0 0 4px"


def paragraphs(text: str) -> Markup:
    """A tidy text as HTML. Everything is escaped; nothing but the marks of the template becomes an element."""
    return Markup("\n").join(_block(block.split("\n")) for block in text.split("\n\n") if block.strip())


def _block(lines: list[str]) -> Markup:
    return Markup("\n").join(_run(kind, list(run)) for kind, run in groupby(lines, _line_kind))


def _line_kind(line: str) -> str:
    if line.startswith("- "):
        return "list"
    return "facts" if _FACT.fullmatch(line) else "text"


def _run(kind: str, lines: list[str]) -> Markup:
    if kind == "list":
        items = (Markup('<li style="{}">{}</li>').format(_LI, inline(line[2:])) for line in lines)
        return Markup('<ul style="{}">{}</ul>').format(_UL, Markup("").join(items))
    if kind == "facts":
        return Markup('<dl style="{}">{}</dl>').format(_DL, Markup("").join(map(_fact, lines)))
    return Markup('<p style="{}">{}</p>').format(_P, Markup("<br>\n").join(map(inline, lines)))


def _fact(line: str) -> Markup:
    found = _FACT.fullmatch(line)
    name, value = found.groups() if found else ("", line)
    row = Markup('<dt class="quiet" style="{}">{}</dt><dd style="{}">{}</dd>')
    return row.format(_DT, inline(name), _DD, inline(value))


def inline(line: str) -> Markup:
    """One line: escaped text and links."""
    return Markup("").join(_pieces(line))


def _pieces(line: str) -> Iterator[Markup]:
    end = 0
    for found in _ANCHOR.finditer(line):
        yield escape(line[end : found.start()])
        words, href, shown = found.groups()
        nowrap = Markup(' style="white-space:nowrap"') if href.startswith("tel:") else ""
        yield Markup('<a href="{}"{}>{}</a>').format(href, nowrap, words or shown)
        end = found.end()
    yield escape(line[end:])
