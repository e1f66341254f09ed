"""What sandboxes are built from: a server on a free port, a ledger, faults to order, and a sender of webhooks.

A sandbox is a faithful fake of one outside system, used by the tests and by the demo. It never imports the adapter
beside it. This module is apart from `hub.plugin`, because it loads a web server.
"""

from ._chaos import ABORT, Chaos, When
from ._ledger import Entry, Ledger
from ._sender import Delivery, WebhookSender
from ._serve import serve

__all__ = ["ABORT", "Chaos", "Delivery", "Entry", "Ledger", "WebhookSender", "When", "serve"]
