"""The pages behind links: in the reader's language, changed by a click only, and deaf to nonsense."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from starlette.requests import Request

from hub.plugin.sandbox import serve
from hub.store import tables
from hub.store.links import link_row, link_secret, matter_ref, token_for
from hub.web.app import build_app
from hub.web.links import PAGES
from hub.web.words import EN, WORDS, language_of
from tests.e2e.hamlet import hamlet
from tests.e2e.town import Town, town
from tests.pipeline.fakes import order

NUMBER = "20450999123456"


def _asking(header: str) -> Request:
    return Request({"type": "http", "headers": [(b"accept-language", header.encode("latin-1", "replace"))]})


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("pl", "pl"),
        ("uk-UA,uk;q=0.9,en;q=0.8", "uk"),
        ("de, ru;q=0.5, en;q=0.7", "en"),
        ("PL-pl", "pl"),
        ("", "uk"),
        ("de,fr;q=0.3", "uk"),
        ("en;q=nonsense", "uk"),
        ("en;q=" + "9" * 5000, "en"),
        (",;,;q=,q=1;;", "uk"),
        ("x" * 10_000, "uk"),
        ("de," * 5000 + "pl", "uk"),
    ],
)
def test_a_reader_gets_the_language_that_they_ask_for_else_the_shops(header: str, language: str) -> None:
    assert language_of(_asking(header), "uk-UA") == language


def test_where_the_shops_language_has_no_words_it_is_english() -> None:
    assert language_of(_asking(""), "de") == "en"


@pytest.mark.parametrize("language", WORDS)
def test_everything_is_said_in_every_language(language: str) -> None:
    assert set(WORDS[language]) == set(EN)
    assert all(WORDS[language].values())


def test_every_page_is_without_a_script_and_loads_nothing_from_elsewhere() -> None:
    for name in PAGES.list_templates():
        if name.endswith(".html"):
            source = (Path(str(PAGES.get_template(name).filename))).read_text("utf-8")
            assert "<script" not in source and "http" not in source and "style=" not in source, name


async def _matter(it: Town) -> str:
    """The link of an open matter."""
    order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
    await it.advance(minutes=5)
    it.np.create(NUMBER)
    it.shop.shop.fulfil(order, NUMBER, "Nova Poshta")
    await it.advance(minutes=5)
    it.np.move(NUMBER, "5")
    await it.advance(hours=5)
    it.np.move(NUMBER, "105")
    await it.advance(hours=2)
    mail = next(mail for mail in it.smtp.ledger if "olena@kavovar.example" in mail.to)
    return next(word for word in mail.text.split() if "/e/" in word)


async def test_a_matter_is_shown_taken_and_resolved_with_a_note(tmp_path: Path) -> None:
    async with town(tmp_path) as it, httpx.AsyncClient(headers={"accept-language": "uk"}) as reader:
        link = await _matter(it)
        shown = await reader.get(link)
        assert shown.status_code == 200
        assert 'lang="uk"' in shown.text and "Беру на себе" in shown.text and "(Europe/Kyiv)" in shown.text
        assert (await reader.head(link)).status_code == 200
        assert (await it.rows(tables.escalations))[0].state == "open", "looking changes nothing"
        assert "Взято" in (await reader.post(link, data={"do": "take"})).text
        assert "Взято" in (await reader.post(link, data={"do": "take"})).text, "once more changes nothing"
        assert "Беру на себе" not in (await reader.get(link)).text
        note = "<script>alert(1)</script> sent anew"
        assert "закрито" in (await reader.post(link, data={"do": "resolve", "note": note})).text
        row = (await it.rows(tables.escalations))[0]
        assert (row.state, row.note) == ("resolved", note)
        after = await reader.get(link)
        assert "<script>" not in after.text and "&lt;script&gt;" in after.text
        clocks = await it.rows(tables.timers, tables.timers.c.ref == row.uid)
        assert {clock.state for clock in clocks} == {1}, "nobody is called for it any more"


def _link_of(it: Town, person: str) -> str:
    mail = next(mail for mail in it.smtp.ledger if f"{person}@kavovar.example" in mail.to)
    return next(word for word in mail.text.split() if "/e/" in word)


async def test_who_takes_a_matter_owns_it(tmp_path: Path) -> None:
    """All are told, each with a link of their own; the first to take it owns it."""
    async with town(tmp_path) as it, httpx.AsyncClient(headers={"accept-language": "uk"}) as reader:
        first = await _matter(it)
        second = _link_of(it, "iryna")
        assert first != second
        assert "Взято" in (await reader.post(second, data={"do": "take"})).text
        assert "Хтось уже" in (await reader.post(first, data={"do": "take"})).text
        (row,) = await it.rows(tables.escalations)
        assert (row.state, row.owner) == ("acknowledged", "iryna")


async def test_a_matter_is_handed_over_from_its_page(tmp_path: Path) -> None:
    async with town(tmp_path) as it, httpx.AsyncClient(headers={"accept-language": "pl"}) as reader:
        link = await _matter(it)
        assert "Iryna" in (await reader.get(link)).text and "Olena" not in (await reader.get(link)).text
        assert "Nic się nie zmieniło" in (await reader.post(link, data={"do": "hand-over", "to": "nobody"})).text
        given = {"do": "hand-over", "to": "iryna", "note": "wants a refund"}
        assert "Przekazano" in (await reader.post(link, data=given)).text
        await it.advance(minutes=1)
        (row,) = await it.rows(tables.escalations)
        assert (row.state, row.owner, row.note) == ("open", "iryna", "wants a refund")
        assert any(subject.startswith("Handed over to you") for subject in it.mails("iryna@kavovar.example"))
        assert "Iryna" in (await reader.get(link)).text


async def test_the_link_of_who_has_left_the_file_opens_nothing(tmp_path: Path) -> None:
    async with town(tmp_path) as it, httpx.AsyncClient() as reader:
        link = await _matter(it)
        await it.restart(
            ("people: [olena], via: [mail], acknowledge: 30m", "people: [iryna], via: [mail], acknowledge: 30m")
        )
        await it.restart(
            ("people: [olena], via: [mail], acknowledge: 1h", "people: [iryna], via: [mail], acknowledge: 1h")
        )
        await it.restart(("  olena: {name: Olena, mail: olena@kavovar.example, locale: uk}\n", ""))
        assert (await reader.get(link)).status_code == 404
        assert (await reader.post(link, data={"do": "resolve"})).status_code == 404
        assert (await it.rows(tables.escalations))[0].state == "open"


async def test_a_link_that_names_nobody_still_opens_its_matter(tmp_path: Path) -> None:
    """Those in mails of earlier releases."""
    async with town(tmp_path) as it, httpx.AsyncClient(headers={"accept-language": "uk"}) as reader:
        link = await _matter(it)
        (matter,) = await it.rows(tables.escalations)
        secret = await it.hub.db.read(link_secret)
        token = token_for(secret, "acknowledge", matter.uid)
        old = link_row(token, "acknowledge", matter.uid, it.clock.now() + timedelta(days=1))
        await it.hub.db.write(lambda connection: connection.execute(sa.insert(tables.links), [old]))
        link = f"{link.rpartition('/')[0]}/{token}"
        assert "Беру на себе" in (await reader.get(link)).text
        assert "Взято" in (await reader.post(link, data={"do": "take"})).text
        (row,) = await it.rows(tables.escalations)
        assert (row.state, row.owner) == ("acknowledged", "")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"do=destroy", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
        (b"do=%ff%fe%00&note=%00", "application/x-www-form-urlencoded; charset=nonsense"),
        (b"--x\r\nContent-Dis", "multipart/form-data; boundary=x"),
        (b"--x", "multipart/form-data"),
        (b"&".join(b"a%d=1" % each for each in range(1000)), "application/x-www-form-urlencoded"),
        (b'{"do": "take"}', "application/json"),
        (b"note=" + b"a" * 3_000_000, "application/x-www-form-urlencoded"),
    ],
)
async def test_nonsense_takes_no_matter_and_breaks_nothing(tmp_path: Path, body: bytes, kind: str) -> None:
    async with town(tmp_path) as it, httpx.AsyncClient() as reader:
        link = await _matter(it)
        answer = await reader.post(link, content=body, headers={"content-type": kind})
        assert answer.status_code in (200, 400)
        assert "Traceback" not in answer.text
        assert (await it.rows(tables.escalations))[0].state == "open"


async def test_the_form_of_a_matter_with_choices_chooses_one_and_its_note_is_kept_by_any_database(
    tmp_path: Path, database_url: str
) -> None:
    matter = {"to": "support", "reason": "Refund?", "choices": ["yes", "no"]}
    flows = {"ask": {"on": "order.packed", "steps": [{"escalate": matter}]}}
    async with hamlet(tmp_path, flows, database=database_url) as it, serve(build_app(it.hub)) as base:
        await it.hear("shop", "order:1", order("10:00", "order.packed"))
        (row,) = await it.rows(tables.escalations)
        link = link_row("token", "acknowledge", matter_ref(row.uid, "olena"), None)
        await it.hub.db.write(lambda connection: connection.execute(sa.insert(tables.links), [link]))
        async with httpx.AsyncClient(headers={"accept-language": "en"}) as reader:
            for none in ({}, {"choice": ""}, {"choice": "maybe"}):
                answer = await reader.post(f"{base}/e/token", data={"do": "choose", **none})
                assert EN["nobody"] in answer.text
            given = {"do": "hand-over", "to": "iryna", "note": "they\0 wait"}
            assert EN["handed"] in (await reader.post(f"{base}/e/token", data=given)).text
            given = {"do": "choose", "choice": "yes", "note": "paid\0 back"}
            assert EN["closed"] in (await reader.post(f"{base}/e/token", data=given)).text
        (row,) = await it.rows(tables.escalations)
        assert (row.state, row.choice, row.note) == ("resolved", "yes", "they wait\npaid back")
