"""All templates there are: the shipped ones and the merchant's over them; which one speaks, and in which language."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from functools import lru_cache
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from hub.config.model import PLAIN, VOICES
from hub.config.problems import Level, Place, Problem, did_you_mean, lines_of
from hub.config.scalars import language_meant
from hub.plugin import Form

from ._check import Allowed
from ._errors import NoTextError
from ._file import FORMS, FRAME, Reading, TextFile, parse_file, read_text
from ._mail import Filler, Frame, Rendering
from ._marks import one_line
from ._names import LAYOUT_ROOTS, ROOTS, with_extra
from ._render import Compiled, PluginFilters, Source, compile_source, filling_for
from ._sms import dear_character

SHIPPED = Path(__file__).parent / "texts"
MAX_FILES = 2_000
Key = tuple[str, str, str, str]
"""Locale, name, voice, form."""


class Shelf:
    """The templates of one place: one shop's, the merchant's, or the shipped ones."""

    def __init__(self) -> None:
        self.files: dict[Key, Callable[[], TextFile]] = {}
        self.bodies: dict[tuple[str, str, str], Compiled] = {}
        self.layout: Callable[[], Compiled] | None = None

    def find(self, locale: str, name: str, voice: str, form: str) -> Callable[[], TextFile] | None:
        return self.files.get((locale, name, voice, form)) or self.files.get((locale, name, voice, "text"))


class Texts:
    """The texts of one merchant, compiled once. Immutable after `load`."""

    def __init__(
        self,
        shelves: Mapping[str | None, Shelf],
        shipped: Shelf,
        spoilt: frozenset[str] = frozenset(),
        files: Mapping[str, str] = MappingProxyType({}),
        voices: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._shelves = shelves
        self._shipped = shipped
        self._voices = voices
        self.spoilt = spoilt
        """Templates with mistakes: they are there, and cannot be used."""
        known = {name for _, name, _, _ in shipped.files}
        self.own = {name: file for name, file in files.items() if name not in known}
        """The merchant's own templates, not those that replace shipped ones: name → file."""

    @classmethod
    def load(
        cls,
        overrides: Path | None = None,
        shops: Mapping[str, str] = MappingProxyType({}),
        *,
        extra_names: Collection[str] = (),
        filters: PluginFilters | None = None,
    ) -> tuple["Texts", tuple[Problem, ...]]:
        """The shipped texts and the merchant's folder over them, with everything that is wrong in that folder.

        `shops`: shop → its voice (empty: the plain one). `extra_names`: what flows add with `with`. `filters`: those of
        plugins, name → function of (value, locale).
        """
        loader = _Loader(overrides, shops, Reading(frozenset(extra_names), filters or {}))
        texts = cls(loader.shelves, _shipped(), frozenset(loader.spoilt), loader.names, shops)
        return texts, tuple(loader.problems)

    def names(self) -> tuple[str, ...]:
        """Every template there is, sorted."""
        return tuple(sorted({name for shelf in self._all() for _, name, _, _ in shelf.files if name not in FRAME}))

    def has(self, template: str, locale: str, form: str, shop: str | None = None) -> bool:
        """Whether this template can speak in exactly this language and form, all its parts included."""
        found = self._find(template, locale, form, shop) is not None
        return found and (form != Form.MAIL or self._find(_footer_of(template), locale, form, shop) is not None)

    def locales(self) -> tuple[str, ...]:
        """Every language in which there is a text, sorted."""
        return tuple(sorted({locale for shelf in self._all() for locale, _, _, _ in shelf.files}))

    def voices(self, template: str, locale: str, form: str, shop: str | None = None) -> tuple[str, ...]:
        """The voices in which this template says something of its own in this language and form, for this shop."""
        if not self.has(template, locale, form, shop):
            return ()
        found = {each: self.in_voice(each)._find(template, locale, form, shop) for each in VOICES}
        return tuple(each for each, read in found.items() if each == PLAIN or read is not found[PLAIN])

    def in_voice(self, voice: str) -> "Texts":
        """The same texts where every shop speaks with this voice."""
        spoken = copy(self)
        spoken._voices = dict.fromkeys(self._voices, voice)
        return spoken

    def locale_for(self, template: str, form: str, wanted: Sequence[str], shop: str | None = None) -> str:
        """The first of the languages (`uk-UA`, then `uk`; English last) in which every part exists.

        Raises `NoTextError` where there is none.
        """
        tried = tuple(_candidates(wanted))
        for locale in tried:
            if self.has(template, locale, form, shop):
                return locale
        raise NoTextError(f"there is no text '{template}' as {form} in {', '.join(tried)}")

    def needs(self, template: str) -> tuple[str, ...]:
        """The fields that this template says it cannot do without, in any form or language."""
        files = self._files_of(template)
        return tuple(sorted({need for file in files for need in file.needs}))

    def reads(self, template: str) -> frozenset[str]:
        """Every field that this template reads anywhere, as full names (`shipment.pickup_point.name`)."""
        return frozenset().union(*(file.reads for file in self._files_of(template)))

    def always(self, template: str, locale: str, form: str, shop: str | None = None) -> frozenset[str]:
        """The fields without which this template cannot be said in this language and form."""
        found = self._find(template, locale, form, shop)
        return found().always if found is not None else frozenset()

    def render(
        self,
        template: str,
        *,
        form: Form,
        locale: str,
        names: Mapping[str, Any],
        zone: ZoneInfo,
        link: Callable[[str], str | None],
        shop: str | None = None,
    ) -> Rendering:
        """The template filled with `names` for a reader in `zone`.

        Raises `MissingData` when it prints or needs what is absent, `NoTextError`, `TooLongError` past 64 KiB, and
        `UnprintableError` when a text misuses a value.
        """
        if not self.has(template, locale, form, shop):
            raise NoTextError(f"there is no text '{template}' as {form} in {locale}")
        filler = Filler(self._get(template, locale, form, shop), names, zone, link)
        filler.needed()
        if form == Form.MAIL:
            return filler.mail(self._frame(template, locale, shop))
        return filler.sms() if form == Form.SMS else filler.chat()

    # -------------------------------------------------------------- looking up

    def _places(self, shop: str | None) -> Iterator[Shelf]:
        """The shop's own, the merchant's, the shipped ones."""
        for key in dict.fromkeys((shop, None)):
            if key in self._shelves:
                yield self._shelves[key]
        yield self._shipped

    def _all(self) -> tuple[Shelf, ...]:
        return (*self._shelves.values(), self._shipped)

    def _files_of(self, template: str) -> list[TextFile]:
        return [read() for shelf in self._all() for (_, name, _, _), read in shelf.files.items() if name == template]

    def _spoken(self, shop: str | None) -> tuple[str, ...]:
        """The voices in which a shop's texts are looked for in each place: its own, then the plain one."""
        return tuple(dict.fromkeys((self._voices.get(shop or "") or PLAIN, PLAIN)))

    def _find(self, name: str, locale: str, form: str, shop: str | None) -> Callable[[], TextFile] | None:
        voices = self._spoken(shop)
        found = (place.find(locale, name, voice, form) for place in self._places(shop) for voice in voices)
        return next((each for each in found if each is not None), None)

    def _get(self, name: str, locale: str, form: str, shop: str | None) -> TextFile:
        found = self._find(name, locale, form, shop)
        if found is None:
            raise NoTextError(f"there is no text '{name}' as {form} in {locale}")
        return found()

    def _frame(self, template: str, locale: str, shop: str | None) -> Frame:
        footer = self._get(_footer_of(template), locale, "mail", shop)
        layout = next(place.layout for place in self._places(shop) if place.layout is not None)
        return Frame(footer.body, layout(), self._body(template, locale, shop))

    def _body(self, template: str, locale: str, shop: str | None) -> Compiled | None:
        """The merchant's HTML for this template, unless a mail text of a nearer place or voice stands before it."""
        for place, voice in product(self._places(shop), self._spoken(shop)):
            if (locale, template, voice) in place.bodies:
                return place.bodies[locale, template, voice]
            if place.find(locale, template, voice, "mail"):
                return None
        return None


def _footer_of(template: str) -> str:
    """A customer reads how to reach the shop, staff why they get the mail."""
    return "staff-footer" if template.startswith("staff-") else "footer"


def _candidates(wanted: Sequence[str]) -> Iterator[str]:
    """`uk-UA` is looked for as `uk-UA`, then as `uk`; English comes last."""
    seen: set[str] = set()
    for tag in (*wanted, "en"):
        language, _, region = tag.replace("_", "-").partition("-")
        for each in (f"{language.lower()}-{region.upper()}" if region else "", language.lower()):
            if each and each not in seen:
                seen.add(each)
                yield each


# ---------------------------------------------------------------- loading


@lru_cache(maxsize=1)
def _shipped() -> Shelf:
    """The texts that come with the hub. They are read when they are first used: most hubs speak two languages."""
    shelf = Shelf()
    for path in sorted(SHIPPED.glob("*/*.*")):
        name, voice, form = parts_of(path.name)
        shelf.files[path.parent.name, name, voice, form] = _read_once(path, name, form)
    shelf.layout = _layout_once(SHIPPED / "layout.html")
    return shelf


def _read_once(path: Path, name: str, form: str) -> Callable[[], TextFile]:
    @lru_cache(maxsize=1)
    def read() -> TextFile:
        text, problems = read_text(path, path.name)
        file, more = parse_file(text, path.name, name, form, path.parent.name, Reading())
        if file is None or problems:
            raise NoTextError("; ".join(map(str, (*problems, *more))))
        return file

    return read


def _layout_once(path: Path) -> Callable[[], Compiled]:
    @lru_cache(maxsize=1)
    def read() -> Compiled:
        layout, problems = _layout(path, path.name, Reading())
        if layout is None:
            raise NoTextError("; ".join(map(str, problems)))
        return layout

    return read


def _layout(path: Path, shown: str, reading: Reading) -> tuple[Compiled | None, tuple[Problem, ...]]:
    text, problems = read_text(path, shown)
    if problems:
        return None, problems
    return compile_source(Source(text, shown, html=True), Allowed(LAYOUT_ROOTS, links=False), reading.filters)


def parts_of(file: str) -> tuple[str, str, str]:
    """`shipped.parcel.sms` → name, voice, form; a file that names no voice is in the plain one."""
    whole, _, form = file.rpartition(".")
    name, _, voice = whole.partition(".")
    return name, voice or PLAIN, form


class _Loader:
    """Reads a merchant's folder: `<locale>/NAME.form`, `<shop>/<locale>/NAME.form` (NAME may be followed by a voice),
    and `layout.html` in either."""

    def __init__(self, folder: Path | None, shops: Mapping[str, str], reading: Reading) -> None:
        self.shops, self.reading = shops, reading
        self.shelves: dict[str | None, Shelf] = {}
        self.problems: list[Problem] = []
        self.spoilt: set[str] = set()
        self.names: dict[str, str] = {}
        if folder is not None and folder.is_dir():
            self.folder = folder
            self.walk()

    def walk(self) -> None:
        paths = sorted(each for each in self.folder.rglob("*") if not _ignored(each.relative_to(self.folder)))
        files = [each for each in paths if each.is_file()]
        if len(files) > MAX_FILES:
            self.wrong(self.folder.name, "jinja-limit", f"more than {MAX_FILES} files")
        for path in files[:MAX_FILES]:
            self.file(path)

    def wrong(self, shown: str, code: str, text: str) -> None:
        self.problems.append(Problem(Place(shown), code, text))

    def file(self, path: Path) -> None:
        relative = path.relative_to(self.folder)
        shown = f"{self.folder.name}/{relative.as_posix()}"
        if not path.resolve().is_relative_to(self.folder.resolve()):
            self.wrong(shown, "include-outside", "a link that leads out of this folder")
            return
        *folders, name = relative.parts
        if name == "layout.html" and len(folders) <= 1:
            self.own_layout(path, shown, folders[0] if folders else None)
        elif len(folders) == 1:
            self.template(path, shown, None, folders[0])
        elif len(folders) == 2:
            self.template(path, shown, folders[0], folders[1])
        else:
            self.wrong(shown, "bad-name", "texts stand in <locale>/NAME.form or <shop>/<locale>/NAME.form")

    def shelf(self, shop: str | None, shown: str) -> Shelf | None:
        if shop is not None and shop not in self.shops:
            self.wrong(shown, "unknown-shop", f"there is no shop '{shop}'{did_you_mean(shop, tuple(self.shops))}")
            return None
        return self.shelves.setdefault(shop, Shelf())

    def own_layout(self, path: Path, shown: str, shop: str | None) -> None:
        shelf = self.shelf(shop, shown)
        layout, problems = _layout(path, shown, self.reading)
        self.problems.extend(problems)
        if shelf is not None and layout is not None:
            shelf.layout = lambda: layout

    def template(self, path: Path, shown: str, shop: str | None, locale: str) -> None:
        name, voice, form = parts_of(path.name)
        shelf = self.shelf(shop, shown)
        if language_meant(locale):
            self.wrong(
                shown, "bad-locale", f"'{locale}' is a country; the folder of its language is {language_meant(locale)}"
            )
        elif not _is_locale(locale):
            self.wrong(shown, "bad-locale", f"'{locale}' is not a language: a folder is called en, uk, pt-BR")
        elif form not in (*FORMS, "html") or not _is_name(name):
            self.wrong(shown, "bad-name", "a text is called NAME.mail, NAME.chat, NAME.sms, NAME.text or NAME.html")
        elif voice not in VOICES or path.name.count(".") > 1 + (voice != PLAIN):
            meant = did_you_mean(voice, VOICES[1:])
            text = f"'{voice}' is not a voice: NAME.parcel.{form}, or NAME.{form} for the plain one{meant}"
            self.wrong(shown, "bad-name", text)
        elif shelf is not None:
            before = len(self.problems)
            self.names.setdefault(name, shown)
            self.read(path, shown, shelf, (locale, name, voice, form))
            self.spoilt.update({name} if any(_refuses(each) for each in self.problems[before:]) else ())
            if voice != PLAIN and not self.speaks(voice, shop):
                said = f"no shop that this text is for speaks with this voice; write voice: {voice} at the shop"
                self.wrong(shown, "unused-text", said)

    def speaks(self, voice: str, shop: str | None) -> bool:
        """Whether the shop of a folder, or any shop, has this voice."""
        return voice in (self.shops.values() if shop is None else (self.shops.get(shop),))

    def read(self, path: Path, shown: str, shelf: Shelf, key: Key) -> None:
        locale, name, voice, form = key
        text, problems = read_text(path, shown)
        if problems:
            self.problems.extend(problems)
        elif form == "html":
            source = Source(text, shown, html=True)
            body, problems = compile_source(source, self.reading.allowed(locale), self.reading.filters)
            self.problems.extend(problems)
            if body is not None:
                shelf.bodies[locale, name, voice] = body
        else:
            file, problems = parse_file(text, shown, name, form, locale, self.reading)
            self.problems.extend(problems)
            if file is not None:
                shelf.files[key] = lambda: file
                if form == Form.SMS and (at := dear_character(text)) is not None:
                    self.dear(text, at, shown)

    def dear(self, text: str, at: int, shown: str) -> None:
        """A remark on a character for which every SMS of this text is paid twice."""
        lines = text[:at].split("\n")
        said = f"'{text[at]}' (U+{ord(text[at]):04X}) is outside GSM-7: a part of this SMS holds 70 characters, not 160"
        place = Place(shown, len(lines), len(lines[-1]) + 1)
        self.problems.append(Problem(place, "sms-segments", said, snippet=lines_of(text)[len(lines) - 1]))


def _refuses(problem: Problem) -> bool:
    return problem.severity is Level.ERROR


def _ignored(relative: Path) -> bool:
    """Hidden files, editors' copies, and notes beside the texts."""
    return (
        any(part.startswith(".") for part in relative.parts)
        or relative.suffix in (".md", ".bak")
        or relative.name.endswith("~")
    )


def _is_locale(folder: str) -> bool:
    return re.fullmatch("[a-z]{2,3}(-[A-Z0-9]{2,4})?", folder) is not None


def _is_name(name: str) -> bool:
    return re.fullmatch("[a-z][a-z0-9-]{0,62}", name) is not None


# ---------------------------------------------------------------- single texts


def check_text(
    source: str, allowed_names: Collection[str], absent: Callable[[str], str] | None = None, *, file: str = "text"
) -> tuple[Problem, ...]:
    """What is wrong with a TEXT of flows.yaml; `allowed_names` are those it may begin with (`order`, `shipment`).

    `absent` says of a field (`order.note`) which part of it may be absent there, or nothing; what is printed all the
    same, under no condition and with nothing to stand in for it, is `maybe-missing`."""
    compiled, problems = _single(source, frozenset(allowed_names), file)
    if compiled is None or absent is None:
        return problems
    found: dict[str, tuple[str, Place]] = {}
    printed = {path: (path, place) for path, place in compiled.always.items()} | dict(compiled.rounds)
    for path, at in printed.items():
        whole = not any(other.startswith(f"{path}.") for other in printed)
        if whole and (part := absent(path)):
            found.setdefault(part, at)
    return tuple(_missing(part, *at) for part, at in found.items())


def _missing(part: str, written: str, place: Place) -> Problem:
    said = f"'{part}' may be absent; then a dash is shown; write what stands there instead, or ask has(…) above"
    return Problem(place, "maybe-missing", said, f"{{{{ {written} or '…' }}}}")


def render_text(source: str, names: Mapping[str, Any], locale: str, zone: ZoneInfo) -> str:
    """A TEXT (an escalation's reason) filled, on one line. What is absent is shown as a dash: a matter for a person is
    never held back for a gap in it. Raises `TextError` for a text that cannot be filled with these values."""
    # All names there are, not only those at hand: what a branch would have brought that was not taken is a gap too.
    compiled, problems = _single(source, frozenset((*names, *ROOTS)), "text")
    if compiled is None:
        raise NoTextError("; ".join(str(each) for each in problems))
    filling = filling_for(names, locale, zone)
    filling.gap = "–"
    return one_line(compiled.fill(names, filling, lambda _: None), 2_000)


@lru_cache(maxsize=2_000)
def _single(source: str, names: frozenset[str], file: str) -> tuple[Compiled | None, tuple[Problem, ...]]:
    known = {name: spec for name, spec in ROOTS.items() if name in names}
    allowed = Allowed(with_extra(known, names - known.keys()), "en", elsewhere=ROOTS.keys() - names)
    if len(source) > 2_000:
        return None, (Problem(Place(file), "jinja-limit", "a text in flows.yaml has at most 2,000 characters"),)
    return compile_source(Source(source, file), allowed)
