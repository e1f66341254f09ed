"""The shipped texts: every one exists in every language and form, and reads as its snapshot says."""

import pytest

from hub.messages import Texts
from hub.plugin import Form

from .world import CHAT_ONLY, CUSTOMER, KYIV, STAFF, link, sample

TEXTS, PROBLEMS = Texts.load()


def test_the_shipped_texts_are_without_mistakes() -> None:
    assert PROBLEMS == ()
    assert set(TEXTS.names()) == {*CUSTOMER, *CHAT_ONLY, *STAFF}


@pytest.mark.parametrize("name", CUSTOMER)
@pytest.mark.parametrize("form", list(Form))
def test_a_text_for_customers_names_the_order(name: str, form: Form) -> None:
    made = TEXTS.render(name, form=form, locale="en", names=sample(name, "en"), zone=KYIV, link=link)
    assert "1001" in made.text
