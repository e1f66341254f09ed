"""The icons that stand beside every status word (STATUS.md 6), drawn for this project: name → path, 24 by 24."""

from collections.abc import Mapping

_BOX = "M12 2l9 5v10l-9 5-9-5V7zM3 7l9 5 9-5M12 12v10"
_OPEN_BOX = "M21 11V7l-9-5-9 5v10l8 4.5M3 7l9 5 9-5M12 12v9"
_CARD = "M22 11V5H2v14h10M2 10h20"
_NOTE = "M2 6h20v7M2 6v12h10M12 9a3 3 0 1 0 0 6"
_RING = "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20z"
_BUBBLE = "M4 4h16v13H9l-5 4z"
_PIN = "M7 14s5-4.5 5-8A5 5 0 0 0 2 6c0 3.5 5 8 5 8zM7 6h.01"
_COIN = "M14 3a3 3 0 1 0 0 6 3 3 0 0 0 0-6z"
_ARROW_IN = "M22 18h-7M18 15l-3 3 3 3"

ICONS: Mapping[str, str] = {
    "receipt": "M6 2h12v19l-3-2-3 2-3-2-3 2zM9 7h6M9 11h6",
    "wallet": "M3 7h18v13H3zM3 7l12-4v4M16 13.5h2",
    "card-x": f"{_CARD}M16 15l6 6M22 15l-6 6",
    "card-check": f"{_CARD}M15 18l3 3 5-6",
    "card-lock": f"{_CARD}M15 17h7v5h-7zM16.5 17v-1.5a2 2 0 0 1 4 0V17",
    "pause": "M8 5v14M16 5v14",
    "list-check": "M3 6l1.5 1.5L8 4M3 12l1.5 1.5L8 10M3 18l1.5 1.5L8 16M12 6h9M12 12h9M12 18h9",
    "basket": "M2 10h20l-3 11H5zM7 10l4-7M17 10l-4-7M9 14v3M15 14v3",
    "box": _BOX,
    "box-arrow": f"{_OPEN_BOX}M15 18h7M19 15l3 3-3 3",
    "truck": "M2 4h12v13H2zM14 9h4l4 4v4h-8M7 17a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM17 17a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
    "building": "M5 22V3h14v19M2 22h20M9 7h1M14 7h1M9 11h1M14 11h1M10 22v-6h4v6",
    "pin-route": f"{_PIN}M9 21h9a3 3 0 0 0 0-6h-2a3 3 0 0 1 0-6h5M18 6l3 3-3 3",
    "pin-box": "M12 22s8-7 8-13a8 8 0 0 0-16 0c0 6 8 13 8 13zM8.5 6.5h7v5.5h-7z",
    "door-x": "M5 22V2h12v9M2 22h11M13 12h.01M16 15l6 6M22 15l-6 6",
    "check": f"{_RING}M7 12l4 4 6-8",
    "triangle-alert": "M12 3L1.5 21h21zM12 10v5M12 18h.01",
    "circle-slash": f"{_RING}M5 5l14 14",
    "arrow-back": "M9 4L3 10l6 6M3 10h12a5 5 0 0 1 0 10h-4",
    "box-back": f"{_OPEN_BOX}{_ARROW_IN}",
    "banknote-back": f"{_NOTE}{_ARROW_IN}",
    "banknote-half": "M2 6h20v12H2zM12 9a3 3 0 1 0 0 6zM12 6v12",
    "flag": "M5 22V3M5 4h14l-3 4 3 4H5",
    "hand-coins": f"{_COIN}M2 15l4-2 4 2h4a1 1 0 0 1 0 3h-4M14 17l5-3a1 1 0 0 1 2 2L14 21H8l-2-1-4 1",
    "tag": "M3 3h8l11 11-8 8L3 11zM7.5 7.5h.01",
    "clock-alert": "M12 3a9 9 0 1 0 9 9M12 7v5l3 2M20 2v5M20 10h.01",
    "message": _BUBBLE,
    "message-check": f"{_BUBBLE}M8 10l3 3 5-5",
    "message-x": f"{_BUBBLE}M9.5 8l5 5M14.5 8l-5 5",
    "undo": "M4 3v6h6M4 9a8.5 8.5 0 1 1 1 7",
}  # fmt: skip
