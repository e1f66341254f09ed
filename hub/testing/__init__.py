"""The conformance kit: what is true of every adapter, as tests that a plugin's author inherits.

    class TestAcme(CarrierConformance):
        adapter = Acme
        settings = {"api_key": "a-key-of-the-tests"}
        samples = Path(__file__).parent / "samples"

An adapter that takes webhooks puts `WebhookConformance` in front, a channel that speaks HTTP `HttpConformance`. A check
that fails says what to do; one that has nothing to check fails too. A check that cannot hold for an adapter is left out
by name and with a reason (`not_applicable`), never by overriding it. It needs pytest and nothing else; nothing of the
hub imports it.
"""

from ._base import AdapterConformance
from ._carrier import CarrierConformance
from ._channel import ChannelConformance
from ._http import HttpConformance, Trouble
from ._platform import PlatformConformance
from ._samples import REWRITE, Sample
from ._webhooks import WebhookConformance

__all__ = [
    "REWRITE",
    "AdapterConformance",
    "CarrierConformance",
    "ChannelConformance",
    "HttpConformance",
    "PlatformConformance",
    "Sample",
    "Trouble",
    "WebhookConformance",
]
