"""`hub flows check` and `hub init`."""

import json
from pathlib import Path

import pytest

from hub.plugin.registry import Registry

from .using import Shop

GOOD = """version: 1
shop: {name: Kavovar, locale: en}
connections:
  mail: {channel: smtp, host: 127.0.0.1, security: none, from: "K <k@k.example>"}
"""


@pytest.fixture
def here(tmp_path: Path) -> Shop:
    """A folder with nothing in it."""
    return Shop(tmp_path, {})


class TestCheck:
    def test_a_right_file_is_right(self, here: Shop) -> None:
        here.file.write_text(GOOD, "utf-8")
        said = here.hub("flows", "check")
        assert (said.exit_code, said.stdout) == (0, "no mistakes\n")
        assert here.told("flows", "check") == {"right": True, "problems": []}

    def test_a_mistake_has_its_place_and_the_status_says_so(self, here: Shop) -> None:
        here.file.write_text(GOOD + "flows:\n  a: {on: order.receivd, steps: []}\n", "utf-8")
        said = here.hub("flows", "check")
        assert said.exit_code == 1 and "flows.yaml:6:11: " in said.stdout and "did you mean 'received'?" in said.stdout
        problem = here.told("flows", "check")["problems"][0]
        assert (problem["line"], problem["column"], problem["severity"]) == (6, 11, "E")

    def test_warnings_are_mistakes_only_when_strict(self, here: Shop) -> None:
        literal = f"  bot: {{channel: telegram, token: '123456789:{'a' * 35}'}}\n"
        here.file.write_text(GOOD + literal, "utf-8")
        assert "warning: " in here.hub("flows", "check").stdout
        assert here.hub("flows", "check").exit_code == 0
        assert here.hub("flows", "check", "--strict").exit_code == 1

    def test_another_file_may_be_named(self, here: Shop) -> None:
        other = here.folder / "other.yaml"
        other.write_text(GOOD, "utf-8")
        assert here.hub("flows", "check", str(other)).exit_code == 0

    def test_no_file_is_wrong_usage(self, here: Shop) -> None:
        said = here.hub("flows", "check")
        assert said.exit_code == 2 and "there is no file" in said.stderr

    def test_the_texts_beside_the_file_are_checked(self, here: Shop) -> None:
        here.file.write_text(GOOD, "utf-8")
        (here.folder / "messages" / "en").mkdir(parents=True)
        (here.folder / "messages" / "en" / "shipped.sms").write_text("{{ nobody.knows }}\n", "utf-8")
        said = here.hub("flows", "check")
        assert said.exit_code == 1 and "messages/en/shipped.sms:1" in said.stdout

    def test_a_text_of_the_parcels_own_voice_belongs_to_a_shop_that_has_it(self, here: Shop) -> None:
        texts = here.folder / "messages" / "en"
        texts.mkdir(parents=True)
        (texts / "shipped.parcel.sms").write_text("It is me, {{ order.number }}\n", "utf-8")
        here.file.write_text(GOOD.replace("locale: en", "locale: en, voice: parcel"), "utf-8")
        assert here.hub("flows", "check").stdout == "no mistakes\n"
        here.file.write_text(GOOD, "utf-8")
        said = here.hub("flows", "check")
        assert said.exit_code == 0 and "messages/en/shipped.parcel.sms" in said.stdout
        assert "write voice: parcel at the shop" in said.stdout
        (texts / "shipped.parcl.sms").write_text("It is me\n", "utf-8")
        said = here.hub("flows", "check")
        assert said.exit_code == 1 and "'parcl' is not a voice" in said.stdout

    def test_the_repositorys_own_file_is_right(self, here: Shop) -> None:
        file = Path(__file__).parents[2] / "flows.yaml"
        token = f"123456789:{'a' * 35}"
        example = (file.parent / ".env.example").read_text().splitlines()
        names = [line.partition("=")[0] for line in example if "=" in line]
        here.env = {**dict.fromkeys(names, "1234567890123456"), "TELEGRAM_TOKEN": token}
        said = here.hub("flows", "check", str(file))
        assert said.exit_code == 0, said.stdout


PLUGINS = {
    kind: sorted(name for each, name in Registry.load().adapters if each == kind)
    for kind in ("platform", "carrier", "channel")
}


class TestInit:
    def test_without_questions_it_writes_a_file_that_is_right(self, here: Shop) -> None:
        said = here.hub("init", "--yes")
        assert said.exit_code == 0, said.output
        assert here.hub("flows", "check").exit_code == 0
        assert (here.folder / ".env").stat().st_mode & 0o777 == 0o600
        assert "replace the examples of:" in said.stdout and "hub run" in said.stdout

    @pytest.mark.parametrize(
        ("platform", "carriers", "channels"),
        [
            ("shopify", ["nova_poshta"], ["telegram", "smtp"]),
            ("shopify", [], ["smtp"]),
            ("shopify", ["nova_poshta"], ["telegram"]),
            ("none", ["nova_poshta"], ["smtp"]),
        ],
    )
    def test_each_choice_gives_a_file_without_mistakes_or_warnings(
        self, here: Shop, platform: str, carriers: list[str], channels: list[str]
    ) -> None:
        more = [part for each in carriers for part in ("--carrier", each)]
        more += [part for each in channels for part in ("--channel", each)]
        said = here.hub("init", "--yes", "--platform", platform, *more)
        assert said.exit_code == 0, said.output
        checked = here.hub("flows", "check", "--strict")
        assert checked.exit_code == 0, checked.output

    def test_flags_say_what_questions_would_ask(self, here: Shop) -> None:
        here.hub(
            "init", "--yes", "--shop", 'Кава "Смак"', "--country", "PL", "--language", "pl", "--platform", "shopify",
            "--set", "main-shop.domain=smak.myshopify.com", "--set", "main-shop.client_secret=it's a 'secret' # $X",
            "--contact", "mail=ola@smak.example", "--owner", "Ola", "--public-url", "https://hub.smak.example",
        )  # fmt: skip
        text = here.file.read_text("utf-8")
        for part in ('"Кава \\"Смак\\""', "Europe/Warsaw", "PLN", "smak.myshopify.com", "ola@smak.example"):
            assert part in text
        assert "secret" not in text.replace("client_secret", "").replace("CLIENT_SECRET", "").replace("Secrets", "")
        assert here.hub("flows", "check").exit_code == 0
        from hub.cli._setup import configured

        config, _ = configured(here.file)
        assert config.connections["main-shop"].settings.client_secret.get_secret_value() == "it's a 'secret' # $X"  # type: ignore[attr-defined]
        assert config.hub.public_url == "https://hub.smak.example" and config.people["owner"].name == "Ola"

    def test_questions_are_asked_where_no_flag_answers(self, here: Shop) -> None:
        typed = ["Kavovar", "UA", "uk", "shopify", "nova_poshta", "smtp", "Olena", "olena@kavovar.example"]
        typed += ["kavovar.myshopify.com", "client", "shop-secret", "np-key", "smtp.kavovar.example", "", "", "pw"]
        said = here.hub("init", typed="\n".join(typed) + "\n")
        assert said.exit_code == 0, said.output
        assert "shop-secret" not in said.output and "shop-secret" in (here.folder / ".env").read_text("utf-8")
        assert "client_id: client" in here.file.read_text("utf-8")
        assert here.hub("flows", "check", "--strict").exit_code == 0

    def test_an_answer_that_cannot_be_is_asked_for_again(self, here: Shop) -> None:
        typed = ["Kavovar", "Ukraine", "UA", "ua", "uk", "wordpress", "shopify", "novaposhta", "nova_poshta"]
        typed += ["mail", ",", "smtp, telegram", "Olena", "olena", "olena@kavovar.example", "4711"]
        typed += ["kavovar.com", "kavovar.myshopify.com", "client", "shop-secret", "np-key"]
        typed += ["smtp.kavovar.example", "", "", "pw", "not-a-token", f"123456789:{'a' * 35}"]
        said = here.hub("init", typed="\n".join(typed) + "\n")
        assert said.exit_code == 0, said.output
        for part in (
            "there is no country 'UKRAINE'", "there are texts in en, uk, pl, ru, not in 'ua'", "no platform wordpress",
            "did you mean nova_poshta?", "there is no channel mail", "a hub needs a channel",
            "a mail address looks like", "'domain' ", "a bot's token looks like",
        ):  # fmt: skip
            assert f"Error: {part}" in said.output or part in said.output, part
        assert "not-a-token" not in said.output
        assert here.hub("flows", "check", "--strict").exit_code == 0

    @pytest.mark.parametrize("name", ["flows.yaml", ".env"])
    def test_nothing_is_overwritten(self, here: Shop, name: str) -> None:
        (here.folder / name).write_text("mine", "utf-8")
        said = here.hub("init", "--yes")
        assert said.exit_code == 2 and "is there already" in said.stderr
        assert (here.folder / name).read_text("utf-8") == "mine" and len(list(here.folder.iterdir())) == 1

    @pytest.mark.parametrize(
        ("args", "why"),
        [
            (("--country", "Atlantis"), "there is no country 'ATLANTIS'"),
            (("--platform", "shopfy"), "did you mean shopify?"),
            (("--set", "main-shop.colour=red"), "there is no 'main-shop.colour'"),
            (("--set", "nonsense"), "is not of the form CONNECTION.SETTING=VALUE"),
            (("--contact", "pigeon=roof"), "there is no channel 'pigeon'"),
            (("--set", "main-shop.domain=not a domain"), "nothing was written"),
            (("--language", "de"), "'de' is not one of"),
        ],
    )
    def test_wrong_answers_are_refused_and_leave_nothing_behind(
        self, here: Shop, args: tuple[str, ...], why: str
    ) -> None:
        said = here.hub("init", "--yes", *args)
        assert said.exit_code == 2 and why in said.stderr and list(here.folder.iterdir()) == []

    def test_every_installed_plugin_can_be_begun_with(self, tmp_path: Path) -> None:
        for kind, names in PLUGINS.items():
            for name in names:
                folder = tmp_path / f"{kind}-{name}"
                folder.mkdir()
                said = Shop(folder, {}).hub("init", "--yes", f"--{kind}", name)
                assert said.exit_code == 0, f"{kind} {name}: {said.output}"


def test_json_is_one_document(here: Shop) -> None:
    here.file.write_text(GOOD, "utf-8")
    assert isinstance(json.loads(here.hub("flows", "check", "--json").stdout), dict)
