"""What is true of every carrier, of this one."""

from pathlib import Path

from hub.testing import CarrierConformance
from plugins.carriers.nova_poshta import NovaPoshta
from plugins.carriers.nova_poshta.sandbox import KEY, NovaPoshtaSandbox


class TestNovaPoshta(CarrierConformance):
    adapter = NovaPoshta
    settings = {"api_key": KEY}  # noqa: RUF012
    samples = Path(__file__).parent / "samples"
    sandbox = NovaPoshtaSandbox
    unmapped = ("nova_poshta.basis:Novelty", "nova_poshta:199")
