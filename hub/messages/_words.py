"""Words that filters put into a text, per language: weekdays in their cases, deadlines, reasons in human words."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub.status import Reason


@dataclass(frozen=True, slots=True)
class Words:
    """One language. `weekdays`: Monday to Sunday, with preposition, after "on", "until" and "about".

    `date` joins a weekday with day and month. `deadlines`, by the filter's form (short: without the weekday, for SMS;
    parcel: the parcel speaks): told and `goes_back`, estimated and `goes_back`, told and `fee_from`, estimated and
    `fee_from`.
    """

    weekdays: Mapping[str, tuple[str, ...]]
    date: str
    deadlines: Mapping[str, tuple[str, str, str, str]]


def _days(preposition: str, names: str) -> tuple[str, ...]:
    return tuple(f"{preposition} {name}" for name in names.split())


_EN_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
_UK_GENITIVE = "понеділка вівторка середи четверга п’ятниці суботи неділі"
_PL_GENITIVE = "poniedziałku wtorku środy czwartku piątku soboty niedzieli"
_RU_GENITIVE = "понедельника вторника среды четверга пятницы субботы воскресенья"

WORDS: Mapping[str, Words] = {
    "en": Words(
        {form: _days(form, _EN_DAYS) for form in ("on", "until", "about")},
        "{weekday} {date}",
        {
            "": (
                "It is kept for you {until}; after that it goes back to us.",
                "It is likely to go back to us {about}, so please come a little earlier.",
                "Storage is free {until}; after that the carrier charges for it.",
                "Free storage ends {about}; after that the carrier charges for it.",
            ),
            "short": (
                "Kept until {moment}.",
                "Goes back about {date}.",
                "Free storage until {moment}.",
                "Free storage ends about {date}.",
            ),
            "parcel": (
                "I can wait {until}; after that I go back to the shop.",
                "I am likely to be sent back {about}, so please come a little earlier.",
                "My storage is free {until}; after that the carrier charges for it.",
                "My free storage ends {about}; after that the carrier charges for it.",
            ),
            "parcel-short": (
                "I can stay until {moment}.",
                "I go back about {date}.",
                "Free storage until {moment}.",
                "Free storage ends about {date}.",
            ),
        },
    ),
    "uk": Words(
        {
            "on": _days("у", "понеділок вівторок середу четвер п’ятницю суботу неділю"),
            "until": _days("до", _UK_GENITIVE),
            "about": _days("близько", _UK_GENITIVE),
        },
        "{weekday}, {date}",
        {
            "": (
                "Чекатиме на вас {until}, потім повернеться до нас.",
                "Може повернутися до нас {about}, тож краще забрати трохи раніше.",
                "Безкоштовне зберігання — {until}, далі перевізник бере за нього плату.",
                "Безкоштовне зберігання закінчиться {about}, далі перевізник бере за нього плату.",
            ),
            "short": (
                "Чекатиме до {moment}.",
                "Повернення близько {date}.",
                "Безкоштовне зберігання до {moment}.",
                "Безкоштовне зберігання закінчиться близько {date}.",
            ),
            "parcel": (
                "Можу почекати {until}, потім повернуся до магазину.",
                "Мене можуть відправити назад {about}, тож краще забрати мене трохи раніше.",
                "Моє безкоштовне зберігання — {until}, далі перевізник бере за нього плату.",
                "Моє безкоштовне зберігання закінчиться {about}, далі перевізник бере за нього плату.",
            ),
            "parcel-short": (
                "Чекатиму до {moment}.",
                "Їду назад близько {date}.",
                "Безкоштовне зберігання до {moment}.",
                "Безкоштовне зберігання закінчиться близько {date}.",
            ),
        },
    ),
    "pl": Words(
        {
            "on": ("w poniedziałek", "we wtorek", "w środę", "w czwartek", "w piątek", "w sobotę", "w niedzielę"),
            "until": _days("do", _PL_GENITIVE),
            "about": _days("około", _PL_GENITIVE),
        },
        "{weekday}, {date}",
        {
            "": (
                "Będzie na Ciebie czekać {until}, potem wróci do nas.",
                "Może wrócić do nas {about}, więc lepiej odebrać trochę wcześniej.",
                "Bezpłatne przechowywanie trwa {until}, później przewoźnik pobiera opłatę.",
                "Bezpłatne przechowywanie skończy się {about}, później przewoźnik pobiera opłatę.",
            ),
            "short": (
                "Czeka do {moment}.",
                "Zwrot około {date}.",
                "Bezpłatne przechowanie do {moment}.",
                "Bezpłatne przechowanie skończy się około {date}.",
            ),
            "parcel": (
                "Mogę poczekać {until}, potem wracam do sklepu.",
                "Mogę wrócić do sklepu {about}, więc lepiej odebrać mnie trochę wcześniej.",
                "Moje bezpłatne przechowywanie trwa {until}, później przewoźnik pobiera opłatę.",
                "Moje bezpłatne przechowywanie skończy się {about}, później przewoźnik pobiera opłatę.",
            ),
            "parcel-short": (
                "Poczekam do {moment}.",
                "Wracam około {date}.",
                "Bezpłatne przechowanie do {moment}.",
                "Bezpłatne przechowanie skończy się około {date}.",
            ),
        },
    ),
    "ru": Words(
        {
            "on": ("в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу", "в воскресенье"),
            "until": _days("до", _RU_GENITIVE),
            "about": _days("около", _RU_GENITIVE),
        },
        "{weekday}, {date}",
        {
            "": (
                "Будет ждать вас {until}, потом вернётся к нам.",
                "Может вернуться к нам {about}, поэтому лучше забрать чуть раньше.",
                "Бесплатное хранение — {until}, дальше перевозчик берёт за него плату.",
                "Бесплатное хранение закончится {about}, дальше перевозчик берёт за него плату.",
            ),
            "short": (
                "Будет ждать до {moment}.",
                "Возврат около {date}.",
                "Бесплатное хранение до {moment}.",
                "Бесплатное хранение закончится около {date}.",
            ),
            "parcel": (
                "Могу подождать {until}, потом вернусь в магазин.",
                "Меня могут отправить обратно {about}, поэтому лучше забрать меня чуть раньше.",
                "Моё бесплатное хранение — {until}, дальше перевозчик берёт за него плату.",
                "Моё бесплатное хранение закончится {about}, дальше перевозчик берёт за него плату.",
            ),
            "parcel-short": (
                "Подожду до {moment}.",
                "Еду обратно около {date}.",
                "Бесплатное хранение до {moment}.",
                "Бесплатное хранение закончится около {date}.",
            ),
        },
    ),
}

LANGUAGES = tuple(WORDS)

_R = Reason
_REASONS: Mapping[Reason, tuple[str, str, str, str]] = {
    _R.NOT_AT_HOME: (
        "nobody was at home",
        "нікого не застали вдома",
        "nikogo nie było w domu",
        "никого не застали дома",
    ),
    _R.REFUSED: (
        "the parcel was not accepted",
        "від посилки відмовилися",
        "odmówiono przyjęcia paczki",
        "от посылки отказались",
    ),
    _R.STORAGE_EXPIRED: (
        "the parcel was not collected in time",
        "посилку вчасно не забрали",
        "paczka nie została odebrana w terminie",
        "посылку вовремя не забрали",
    ),
    _R.WRONG_ADDRESS: (
        "the address is incomplete or wrong",
        "адреса неповна або неправильна",
        "adres jest niepełny lub błędny",
        "адрес неполный или неверный",
    ),
    _R.NO_ACCESS: (
        "the courier could not get in",
        "кур’єр не зміг потрапити до вас",
        "kurier nie mógł się do Ciebie dostać",
        "курьер не смог к вам попасть",
    ),
    _R.NO_MONEY: (
        "the cash was not at hand",
        "не було готівки для оплати",
        "zabrakło gotówki do zapłaty",
        "не было наличных для оплаты",
    ),
    _R.NOT_VERIFIED: (
        "identity or age could not be confirmed",
        "не вдалося підтвердити особу чи вік",
        "nie udało się potwierdzić tożsamości lub wieku",
        "не удалось подтвердить личность или возраст",
    ),
    _R.UNREACHABLE: (
        "the courier could not reach you by phone",
        "кур’єр не зміг вам додзвонитися",
        "kurier nie mógł się do Ciebie dodzwonić",
        "курьер не смог до вас дозвониться",
    ),
    _R.PAYMENT_MISSING: (
        "the payment has not arrived",
        "оплата не надійшла",
        "płatność nie dotarła",
        "оплата не поступила",
    ),
    _R.CUSTOMER_WISH: ("as you asked", "на ваше прохання", "na Twoją prośbę", "по вашей просьбе"),
    _R.DELAYED: (
        "the carrier is running late",
        "перевізник не встигає за графіком",
        "przewoźnik ma opóźnienie",
        "перевозчик не успевает по графику",
    ),
    _R.DAMAGED: ("the parcel was damaged", "посилку пошкоджено", "paczka została uszkodzona", "посылка повреждена"),
    _R.LOST: (
        "the parcel cannot be found",
        "посилку не можуть знайти",
        "nie można odnaleźć paczki",
        "посылку не могут найти",
    ),
    _R.DESTROYED: ("the parcel was destroyed", "посилку знищено", "paczka została zniszczona", "посылка уничтожена"),
    _R.POINT_FULL: (
        "the pickup point is full",
        "пункт видачі переповнений",
        "punkt odbioru jest przepełniony",
        "пункт выдачи переполнен",
    ),
    _R.NO_NEWS: (
        "the carrier has had no news of it for a while",
        "від перевізника давно немає новин",
        "od przewoźnika od dawna nie ma wieści",
        "от перевозчика давно нет новостей",
    ),
    _R.OUT_OF_STOCK: (
        "an item is out of stock",
        "товару немає в наявності",
        "produktu zabrakło w magazynie",
        "товара нет в наличии",
    ),
    _R.SHOP_WISH: ("on our side", "з нашого боку", "z naszej strony", "с нашей стороны"),
    _R.BAD_DATA: (
        "some details of the parcel need correcting",
        "дані посилки потрібно виправити",
        "dane paczki wymagają poprawienia",
        "данные посылки нужно исправить",
    ),
    _R.TOO_LARGE: ("the parcel is too large", "посилка завелика", "paczka jest za duża", "посылка слишком большая"),
    _R.FORBIDDEN_CONTENT: (
        "the carrier may not carry the contents",
        "перевізник не може перевозити такий вміст",
        "przewoźnik nie może przewieźć tej zawartości",
        "перевозчик не может везти такое содержимое",
    ),
    _R.NUMBER_INVALID: (
        "the carrier does not know the tracking number",
        "перевізник не знає номера накладної",
        "przewoźnik nie zna numeru przesyłki",
        "перевозчик не знает номера накладной",
    ),
    _R.CUSTOMS: (
        "customs are checking it",
        "триває митна перевірка",
        "trwa kontrola celna",
        "идёт таможенная проверка",
    ),
    _R.OUTSIDE_EVENT: (
        "bad weather or other events beyond the carrier’s control",
        "негода або інші обставини, на які перевізник не впливає",
        "pogoda lub inne zdarzenia niezależne od przewoźnika",
        "непогода или другие обстоятельства, на которые перевозчик не влияет",
    ),
    _R.SEIZED: (
        "the authorities hold the parcel",
        "посилку затримали державні органи",
        "paczkę zatrzymały służby",
        "посылку задержали государственные органы",
    ),
    _R.COLLECTION_FAILED: (
        "the carrier did not pick the parcel up from us",
        "перевізник не забрав у нас посилку",
        "przewoźnik nie odebrał od nas paczki",
        "перевозчик не забрал у нас посылку",
    ),
    _R.INFORMATION_NEEDED: (
        "one more detail is needed",
        "потрібно щось уточнити",
        "trzeba coś doprecyzować",
        "нужно кое-что уточнить",
    ),
    _R.COMPLAINT: ("a complaint is open", "розглядається скарга", "trwa reklamacja", "рассматривается жалоба"),
    _R.PAYMENT_DISPUTE: (
        "the payment is disputed",
        "платіж оскаржують",
        "płatność jest kwestionowana",
        "платёж оспаривается",
    ),
    _R.FRAUD_CHECK: (
        "the payment is being checked",
        "платіж перевіряють",
        "płatność jest sprawdzana",
        "платёж проверяют",
    ),
}


def reason_words(reason: str, language: str) -> str:
    """A reason in human words, to stand after a colon or a dash; a text that is no reason of ours stays as it is."""
    try:
        known = Reason(reason)
    except ValueError:
        return reason
    return _REASONS[known][LANGUAGES.index(language)]
