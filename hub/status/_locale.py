"""The languages the model speaks."""

LANGUAGES = ("en", "uk", "pl", "ru")


def language(locale: str) -> str:
    """The language of a tag (`uk-UA`, `pl_PL`); English where we have no other."""
    tag = locale.replace("_", "-").partition("-")[0].casefold()
    return tag if tag in LANGUAGES else LANGUAGES[0]
