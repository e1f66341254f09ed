"""Texts looked at before anybody gets them: kept as files and compared, and shown in a browser."""

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from hub.cli.messages import SNAPSHOTS, _room, _stamp
from hub.web.preview import preview_app

from .using import SECRETS, Shop, inherited

OWN = "messages/uk/packed.sms"


def own(shop: Shop, text: str, name: str = OWN) -> None:
    """A text of the merchant's own, over the shipped one."""
    file = shop.folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def kept(shop: Shop) -> dict[str, str]:
    folder = shop.folder / SNAPSHOTS
    return {file.relative_to(folder).as_posix(): file.read_text("utf-8") for file in folder.rglob("*.txt")}


# ------------------------------------------------------------------------------------------------ snapshots


def test_every_language_form_and_voice_is_kept(shop: Shop) -> None:
    assert shop.hub("messages", "test", "--update").exit_code == 0
    said = kept(shop)
    for locale in ("en", "uk", "pl", "ru"):
        for form in ("mail", "chat", "sms"):
            for voice in ("plain", "parcel"):
                assert f"kavovar/{locale}/shipped.{voice}.{form}.txt" in said
    assert "1 x GSM-7" in said["kavovar/en/packed.plain.sms.txt"]
    assert said["kavovar/uk/shipped.plain.mail.txt"].startswith("subject: ")
    assert "<html" in said["kavovar/uk/shipped.plain.mail.txt"]
    assert said["kavovar/uk/shipped.plain.sms.txt"] != said["kavovar/uk/shipped.parcel.sms.txt"]
    assert not [name for name, text in said.items() if text.startswith("cannot be said")]
    assert shop.hub("messages", "test").exit_code == 0


def test_what_reads_otherwise_is_shown_and_nothing_else(shop: Shop) -> None:
    assert "is new" in shop.hub("messages", "test").stdout
    shop.hub("messages", "test", "--update")
    own(shop, "{{ order.number }}: уже в коробці!\n")
    found = shop.hub("messages", "test")
    assert found.exit_code == 1
    assert "+1001: уже в коробці!" in found.stdout and "kavovar/uk/packed.plain.sms, now" in found.stdout
    assert "is gone" in found.stdout, "the merchant's text stands before the shipped one of another voice"
    assert "2 of " in found.stdout.splitlines()[-1]
    told = shop.hub("messages", "test", "--json")
    assert '"kavovar/uk/packed.plain.sms"' in told.stdout and told.exit_code == 1
    shop.hub("messages", "test", "--update")
    assert shop.hub("messages", "test").exit_code == 0


def test_a_text_that_is_gone_is_told_and_its_snapshot_goes_with_the_next_update(shop: Shop) -> None:
    own(shop, "Our own\n", "messages/en/our-own.sms")
    shop.hub("messages", "test", "--update")
    (shop.folder / "messages/en/our-own.sms").unlink()
    assert "kavovar/en/our-own.plain.sms: is gone" in shop.hub("messages", "test").stdout
    shop.hub("messages", "test", "--update")
    assert "kavovar/en/our-own.plain.sms.txt" not in kept(shop)


def test_a_refused_file_is_refused(shop: Shop) -> None:
    own(shop, "{{ order.nothing_like_it }}\n")
    assert shop.hub("messages", "test").exit_code == 2


# ------------------------------------------------------------------------------------------------ the pages


@asynccontextmanager
async def pages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    transport = httpx.ASGITransport(preview_app(lambda: _room(shop.file), lambda: _stamp(shop.file)))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8025") as client:
        yield client


async def test_the_index_names_every_text_and_counts_the_parts_of_an_sms(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pages(shop, monkeypatch) as client:
        page = (await client.get("/")).text
    assert '<tr id="ready-for-pickup">' in page and 'href="/text/kavovar/pl/shipped.parcel.sms"' in page
    assert "uk (2)</a>" in page, "Cyrillic is dear"


async def test_a_piece_shows_the_text_its_parts_and_what_makes_them_more(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(shop, "Zażółć 1001 " + "x" * 90, "messages/en/packed.sms")
    async with pages(shop, monkeypatch) as client:
        page = (await client.get("/text/kavovar/uk/packed.plain.sms")).text
        assert "UCS-2, because of " in page
        assert "GSM-7" in (await client.get("/text/kavovar/en/packed.plain.sms")).text, "written without its marks"
        mail = await client.get("/mail/kavovar/uk/shipped.parcel.mail")
        assert "<html" in mail.text and mail.headers["content-security-policy"].endswith("sandbox")
        assert (await client.get("/text/kavovar/uk/nothing.plain.sms")).status_code == 404
        assert (await client.get("/", headers={"host": "evil.example"})).status_code == 400


async def test_a_piece_is_filled_from_a_real_order_and_says_what_it_lacks(
    shop: Shop, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pages(shop, monkeypatch) as client:
        where = "/text/kavovar/uk/ready-for-pickup.plain.sms"
        real = (await client.get(where, params={"order": number})).text
        assert number in real and "made-up data" not in real
        assert "no order has the number &#39;4711&#39;" in (await client.get(where, params={"order": "4711"})).text
        own(shop, "{{ shipment.courier.name }}", "messages/uk/ready-for-pickup.sms")
        lacks = (await client.get(where, params={"order": number})).text
        assert "It cannot be said: shipment.courier.name is not there." in lacks


async def test_while_a_file_is_being_mended_what_was_right_last_stays(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pages(shop, monkeypatch) as client:
        before = (await client.get("/text/kavovar/uk/packed.plain.sms")).text
        own(shop, "{{ order.nothing_like_it }}")
        page = (await client.get("/text/kavovar/uk/packed.plain.sms")).text
        assert "nothing_like_it" in page and "[jinja-name]" in page
        assert before.split("<pre>")[1].split("</pre>")[0] in page
        own(shop, "{{ order.number }} в коробці")
        assert "1001 в коробці" in (await client.get("/text/kavovar/uk/packed.plain.sms")).text


# ------------------------------------------------------------------------------------------------ the command


@pytest.mark.browser
async def test_a_browser_draws_it_again_when_a_text_is_saved(shop: Shop) -> None:
    from tests.browser.chromium import MISSING, chromium, program

    if (path := program()) is None:
        pytest.skip(MISSING)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    hub = Path(sys.executable).with_name("hub")
    environment = {**inherited(HUB_CONFIG=str(shop.file)), "PYTHONUNBUFFERED": "1"}
    command = [str(hub), "messages", "preview", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, cwd=os.sep) as process:
        try:
            assert process.stdout is not None and b"http://127.0.0.1" in process.stdout.readline()
            async with chromium(path) as browser:
                page = await browser.new_page()
                await page.goto(f"http://127.0.0.1:{port}/text/kavovar/uk/packed.plain.sms", wait_until="load")
                await page.locator("html[data-stamp]").wait_for(state="attached")
                own(shop, "{{ order.number }}: уже в коробці!")
                await page.get_by_text("1001: уже в коробці!").wait_for(timeout=20_000)
        finally:
            process.terminate()
