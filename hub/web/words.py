"""What the pages behind links say, in four languages, and which language a reader gets."""

from collections.abc import Mapping, Sequence

from starlette.requests import Request

MOST = 20
"""Wishes of a browser that are looked at."""

Words = Mapping[str, str]

EN: Words = {
    "nothing": "Nothing here",
    "nothing_text": "This link is not valid, or no longer.",
    "unsubscribe": "No more of these messages?",
    "unsubscribe_text": "You will still be told what happens to your orders.",
    "unsubscribe_button": "Unsubscribe",
    "unsubscribed": "Unsubscribed",
    "unsubscribed_text": "You will get no more messages of this kind.",
    "order": "Order",
    "flow": "Flow",
    "due": "To be resolved by",
    "take": "I take care of it",
    "what": "What was done",
    "resolve": "It is resolved",
    "taken": "Taken",
    "taken_text": "It is yours now; nobody else will be called for it.",
    "closed": "Resolved",
    "closed_text": "This matter is closed.",
    "settled": "Nothing to do",
    "settled_text": "Somebody has taken care of this already.",
    "open": "open",
    "acknowledged": "taken",
    "resolved": "resolved",
    "low": "low",
    "normal": "normal",
    "high": "high",
    "critical": "critical",
}
UK: Words = {
    "nothing": "Тут нічого немає",
    "nothing_text": "Це посилання недійсне або вже не діє.",
    "unsubscribe": "Більше не надсилати таких повідомлень?",
    "unsubscribe_text": "Про те, що відбувається з вашими замовленнями, ми писатимемо й далі.",
    "unsubscribe_button": "Відписатися",
    "unsubscribed": "Ви відписалися",
    "unsubscribed_text": "Таких повідомлень більше не буде.",
    "order": "Замовлення",
    "flow": "Потік",
    "due": "Вирішити до",
    "take": "Беру на себе",
    "what": "Що зроблено",
    "resolve": "Вирішено",
    "taken": "Взято",
    "taken_text": "Тепер це ваше; більше нікого не кликатимемо.",
    "closed": "Вирішено",
    "closed_text": "Цю справу закрито.",
    "settled": "Робити нічого не потрібно",
    "settled_text": "Хтось уже про це подбав.",
    "open": "відкрито",
    "acknowledged": "взято",
    "resolved": "вирішено",
    "low": "неважливо",
    "normal": "звичайно",
    "high": "важливо",
    "critical": "терміново",
}
PL: Words = {
    "nothing": "Nic tu nie ma",
    "nothing_text": "Ten link jest nieprawidłowy albo już nie działa.",
    "unsubscribe": "Nie wysyłać więcej takich wiadomości?",
    "unsubscribe_text": "O tym, co dzieje się z Twoimi zamówieniami, nadal będziemy pisać.",
    "unsubscribe_button": "Wypisz mnie",
    "unsubscribed": "Wypisano",
    "unsubscribed_text": "Takich wiadomości już nie będzie.",
    "order": "Zamówienie",
    "flow": "Przepływ",
    "due": "Rozwiązać do",
    "take": "Zajmę się tym",
    "what": "Co zrobiono",
    "resolve": "Rozwiązane",
    "taken": "Przyjęte",
    "taken_text": "Teraz to Twoja sprawa; nikogo więcej nie wezwiemy.",
    "closed": "Rozwiązane",
    "closed_text": "Ta sprawa jest zamknięta.",
    "settled": "Nic do zrobienia",
    "settled_text": "Ktoś już się tym zajął.",
    "open": "otwarte",
    "acknowledged": "przyjęte",
    "resolved": "rozwiązane",
    "low": "mało ważne",
    "normal": "zwykłe",
    "high": "ważne",
    "critical": "pilne",
}
RU: Words = {
    "nothing": "Здесь ничего нет",
    "nothing_text": "Эта ссылка недействительна или больше не действует.",
    "unsubscribe": "Больше не присылать таких сообщений?",
    "unsubscribe_text": "О том, что происходит с вашими заказами, мы будем писать и дальше.",
    "unsubscribe_button": "Отписаться",
    "unsubscribed": "Вы отписались",
    "unsubscribed_text": "Таких сообщений больше не будет.",
    "order": "Заказ",
    "flow": "Поток",
    "due": "Решить до",
    "take": "Беру на себя",
    "what": "Что сделано",
    "resolve": "Решено",
    "taken": "Взято",
    "taken_text": "Теперь это ваше; больше никого не позовём.",
    "closed": "Решено",
    "closed_text": "Это дело закрыто.",
    "settled": "Делать ничего не нужно",
    "settled_text": "Кто-то уже об этом позаботился.",
    "open": "открыто",
    "acknowledged": "взято",
    "resolved": "решено",
    "low": "неважно",
    "normal": "обычно",
    "high": "важно",
    "critical": "срочно",
}
WORDS: Mapping[str, Words] = {"en": EN, "uk": UK, "pl": PL, "ru": RU}


def language_of(request: Request, otherwise: str) -> str:
    """The language that a reader's browser asks for, among those there are; else `otherwise`, else English."""
    wishes = request.headers.get("accept-language", "").split(",")[:MOST]
    asked = sorted(filter(None, map(_wish, wishes)), key=lambda wish: -wish[1])
    return _first([tag for tag, _ in asked] + [otherwise.partition("-")[0]])


def _first(tags: Sequence[str]) -> str:
    return next((tag for tag in tags if tag in WORDS), "en")


def _wish(text: str) -> tuple[str, float] | None:
    """`uk-UA;q=0.8` → (uk, 0.8)."""
    tag, _, weight = text.strip().partition(";")
    number = weight.strip().removeprefix("q=").strip() or "1"
    if not number.replace(".", "", 1).isdecimal():
        return None
    return tag.strip().lower().partition("-")[0], float(number[:6])
