"""What a carrier is told when it is asked about an order's parcel."""

from pathlib import Path

import pytest

from .town import Town, town

NUMBER = "20450999123456"


def phones(it: Town) -> set[str]:
    """Every phone that came beside NUMBER in a question about its state."""
    return {
        phone
        for each in it.np.ledger
        if each.what.endswith(".getStatusDocuments")
        for number, phone in zip(each.numbers, each.phones, strict=True)
        if number == NUMBER
    }


@pytest.mark.parametrize(
    ("given", "sent"), [("+380671112233", "380671112233"), ("+48600100200", ""), (None, "")], ids=("ua", "pl", "none")
)
async def test_the_recipients_phone_goes_with_the_number(tmp_path: Path, given: str | None, sent: str) -> None:
    """Nova Poshta tells the details of somebody else's waybill only to who knows the recipient's phone."""
    async with town(tmp_path) as it:
        it.np.create(NUMBER, recipient_phone="380671112233")
        order = it.shop.shop.create_order(gateway="shopify_payments", paid=True, phone=given)
        await it.advance(minutes=5)
        it.shop.shop.fulfil(order, NUMBER, "Nova Poshta")
        await it.advance(hours=4)
        assert phones(it) == {sent}
