"""One small shop that has lived for two days, made once; every test works on a copy."""

import asyncio
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.store import tables
from tests.e2e.town import town

from .using import Shop

PARCEL = "20450999123456"


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder after the hub has stopped: an order under way, one that went wrong."""
    folder = tmp_path_factory.mktemp("lived")
    asyncio.run(_live(folder))
    return folder


async def _live(folder: Path) -> None:
    async with town(folder) as it:
        order = it.shop.shop.create_order()
        it.shop.shop.create_order()
        await it.advance(minutes=2)
        it.np.create(PARCEL, cod=1249)
        it.shop.shop.fulfil(order, PARCEL, "Nova Poshta")
        await it.advance(minutes=10)
        it.np.move(PARCEL, "5")
        await it.advance(hours=6)
        it.np.arrive(PARCEL)
        await it.advance(hours=2)


@pytest.fixture
def shop(lived: Path, tmp_path: Path) -> Shop:
    """A copy of the shop."""
    folder = tmp_path / "shop"
    shutil.copytree(lived, folder)
    file = folder / "flows.yaml"
    file.write_text(file.read_text("utf-8").replace(str(lived), str(folder)), "utf-8")
    return Shop(folder)


@pytest.fixture
def number(shop: Shop) -> str:
    """The number of the order that was sent."""
    query = sa.select(tables.orders.c.number).join(tables.numbers, tables.numbers.c.order_id == tables.orders.c.id)
    return str(shop.rows(query)[0].number)
