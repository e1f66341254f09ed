"""Every text there is, as its readers would meet it: to be looked at, and to be kept and compared."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hub.config.model import Shop
from hub.plugin import Form

from ._errors import MissingData, TextError
from ._mail import Rendering
from ._marks import one_line
from ._sms import Segments, sms_segments
from ._texts import Texts


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """One text as one shop says it, in one language, form and voice."""

    template: str
    shop: str
    locale: str
    form: Form
    voice: str

    @property
    def name(self) -> str:
        """As its snapshot is called: `kavovar/uk/shipped.parcel.sms`."""
        return f"{self.shop}/{self.locale}/{self.template}.{self.voice}.{self.form.value}"


@dataclass(frozen=True, slots=True)
class Shown:
    """What became of a piece: `text`, or why it cannot be said: `missing` fields, or what is `wrong`. `segments`: of an
    SMS."""

    text: Rendering | None = None
    missing: tuple[str, ...] = ()
    wrong: str = ""
    segments: Segments | None = None


def pieces(texts: Texts, shops: Mapping[str, Shop]) -> Iterator[Piece]:
    """Every piece, by template, shop, language, form and voice."""
    for template in texts.names():
        for shop in shops:
            for locale in texts.locales():
                for form in Form:
                    for voice in texts.voices(template, locale, form, shop):
                        yield Piece(template, shop, locale, form, voice)


def shown(texts: Texts, piece: Piece, shop: Shop, names: Mapping[str, Any], link: Callable[[str], str | None]) -> Shown:
    """A piece filled with these names."""
    try:
        text = texts.in_voice(piece.voice).render(
            piece.template, form=piece.form, locale=piece.locale, names=names, zone=shop.timezone, link=link,
            shop=piece.shop,
        )  # fmt: skip
    except MissingData as error:
        return Shown(missing=error.fields)
    except TextError as error:
        return Shown(wrong=one_line(str(error), 500))
    return Shown(text, segments=sms_segments(text.text) if piece.form is Form.SMS else None)
