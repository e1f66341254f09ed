"""The texts of messages: shipped in four languages, overridden file by file, filled with data that nobody trusts.

`Texts.load(folder)` gives all texts and every mistake in the folder; `texts.render(...)` fills one. docs/messages.md
says how a template is written.
"""

from ._errors import MissingData, NoTextError, TextError, TooLongError, UnprintableError
from ._gallery import Piece, Shown, pieces, shown
from ._mail import Rendering
from ._names import LINKS
from ._sms import Segments, sms_segments
from ._texts import Texts, check_text, render_text
from ._values import clean, safe_url
from ._voice import Voice, can_be_said
from ._words import LANGUAGES

__all__ = [
    "LANGUAGES",
    "LINKS",
    "MissingData",
    "NoTextError",
    "Piece",
    "Rendering",
    "Segments",
    "Shown",
    "TextError",
    "Texts",
    "TooLongError",
    "UnprintableError",
    "Voice",
    "can_be_said",
    "check_text",
    "clean",
    "pieces",
    "render_text",
    "safe_url",
    "shown",
    "sms_segments",
]
