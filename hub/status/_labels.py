"""What a status is called in front of a customer (STATUS.md, section 6). The texts stand in `labels.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ._axes import Status, axis_of
from ._effective import HeadlineValue
from ._headline import Headline
from ._locale import LANGUAGES, language

_Row = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Label:
    """A label with its sentence, and how it looks: always an icon beside the word, never colour alone."""

    label: str
    sentence: str
    stage: str
    icon: str
    role: str


def label(what: Status | HeadlineValue | Headline, locale: str) -> Label:
    """The label in a language we have (`uk`, `uk-UA`); another language reads English.

    A headline is called as the axis that decided it calls it, where that axis has another word for the same value: a
    parcel `on_hold` is "Delayed". An axis value without texts of its own uses those of the headline of its name.
    """
    if isinstance(what, Headline):
        return label(_deciding(what), locale)
    own, shared = _rows().get(_key(what), {}), _rows().get(f"headline.{what}", {})
    chosen = language(locale)
    word, sentence = own.get(chosen) or shared[chosen]
    stage, icon, role = own.get("look") or shared["look"]
    return Label(word, sentence, stage, icon, role)


def _deciding(headline: Headline) -> Status | HeadlineValue:
    decided = headline.decided_value
    if decided is None or decided.value != headline.value.value:
        return headline.value
    same_word = label(decided, LANGUAGES[0]).label == label(headline.value, LANGUAGES[0]).label
    return headline.value if same_word else decided


def _key(what: Status | HeadlineValue) -> str:
    return f"headline.{what}" if isinstance(what, HeadlineValue) else f"{axis_of(what)}.{what}"


@cache
def _rows() -> Mapping[str, _Row]:
    """`shipment.on_hold` → its look and its texts by language."""
    tables = tomllib.loads(files(__package__).joinpath("labels.toml").read_text("utf-8"))
    return {
        f"{axis}.{value}": {name: tuple(cell) for name, cell in row.items()}
        for axis, values in tables.items()
        for value, row in values.items()
    }
