"""How the fake Nova Poshta writes a waybill down: some 90 keys, six date formats, types that drift, masking."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Kyiv")

DASHES = "%d-%m-%Y %H:%M:%S"
DOTS = "%d.%m.%Y %H:%M:%S"
ISO = "%Y-%m-%d %H:%M:%S"
ISO_DAY = "%Y-%m-%d"
TIME_FIRST = "%H:%M %d.%m.%Y"
DAY = "%d.%m.%Y"

_LABELS: Mapping[str, str] = {
    "1": "Відправник самостійно створив цю накладну, але ще не надав до відправки",
    "2": "Видалено",
    "4": "Відправлення у місті {city_from}",
    "41": "Відправлення у місті {city_from}",
    "5": "Відправлення прямує до міста {city_to}",
    "6": "Відправлення у місті {city_to}, орієнтовна доставка до {point}. Очікуйте додаткове повідомлення про прибуття",
    "7": "Прибув на відділення",
    "8": "Прибув на відділення (завантажено в Поштомат)",
    "9": "Відправлення отримано",
    "10": "Відправлення отримано {handed}. Протягом доби ви одержите SMS-повідомлення про надходження переказу",
    "11": "Відправлення отримано {handed}. Грошовий переказ видано одержувачу.",
    "12": "Нова Пошта комплектує ваше відправлення",
    "101": "На шляху до одержувача",
    "102": "Відмова від отримання (Відправником створено замовлення на повернення)",
    "103": "Відмова одержувача (отримувач відмовився від відправлення)",
    "104": "Змінено адресу",
    "105": "Припинено зберігання",
    "106": "Одержано і створено ЄН зворотньої доставки",
    "111": "Невдала спроба доставки через відсутність Одержувача на адресі або зв'язку з ним",
    "112": "Дата доставки перенесена Одержувачем",
}

_BLANK = """
CalculatedWeight PaymentStatus PaymentStatusDate AmountPaid ExpressWaybillAmountToPay DateReturnCargo DateMoving
DaysStorageCargo StorageAmount StoragePrice RecipientFullNameEW RedeliveryNum RedeliveryPaymentCardRef CardMaskedNumber
LastTransactionStatusGM LastTransactionDateTimeGM LastAmountTransferGM LastCreatedOnTheBasisPayerType LightReturnNumber
CreatedOnTheBasis UndeliveryReasons UndeliveryReasonsDate UndeliveryReasonsSubtypeDescription AdditionalInformationEW
BarcodeRedBox TrusteeRecipientPhone
"""
_EMPTY: Mapping[str, Any] = {
    **dict.fromkeys(_BLANK.split(), ""),
    "CargoType": "Parcel",
    "CargoDescriptionString": "Взуття",
    "SeatsAmount": "1",
    "DocumentWeight": 1.5,
    "FactualWeight": "1.50",
    "VolumeWeight": "1.20",
    "CheckWeight": 0,
    "DocumentCost": "85",
    "AnnouncedPrice": 1200,
    "PayerType": "Recipient",
    "PaymentMethod": "Cash",
    "AmountToPay": "85",
    "ExpressWaybillPaymentStatus": "PaymentNotAvailable",
    "CounterpartyType": "PrivatePerson",
    "CounterpartySenderType": "Organization",
    "LastAmountReceivedCommissionGM": 0,
    "Packaging": [],
    "PartialReturnGoods": None,
    "SecurePayment": False,
    "CargoReturnRefusal": False,
    "AviaDelivery": 0,
    "PostomatV3CellReservationNumber": False,
    "PossibilityCreateReturn": True,
    "PossibilityCreateRefusal": True,
    "PossibilityCreateRedirecting": True,
    "PossibilityChangeEW": False,
    "PossibilityChangeDeliveryIntervals": False,
    "PossibilityChangeCash2Card": False,
    "PossibilityLightReturn": False,
    "PossibilityTrusteeRecipient": False,
    "PossibilityTermExtensio": False,
}

_MASKED = (
    "RecipientAddress",
    "SenderAddress",
    "PhoneSender",
    "PhoneRecipient",
    "SenderFullNameEW",
    "RecipientFullName",
    "ClientBarcode",
)

MASKING_WARNING = "Please enter a valid phone number from the express invoice to show full information"


@dataclass(frozen=True, slots=True)
class Point:
    """A branch or a parcel locker."""

    ref: str
    number: int
    city: str
    street: str
    category: str = "Branch"
    lat: str = "50.4501"
    lon: str = "30.5234"

    @property
    def name(self) -> str:
        word = "Поштомат" if self.category == "Postomat" else "Відділення"
        return f"{word} №{self.number}: {self.street}"

    def item(self) -> dict[str, Any]:
        """An item of `Address.getWarehouses`."""
        hours = "00:00-23:59" if self.category == "Postomat" else "08:00-21:00"
        days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
        return {
            "Ref": self.ref,
            "Number": str(self.number),
            "Description": self.name,
            "ShortAddress": f"{self.city}, {self.street}",
            "CityDescription": self.city,
            "CategoryOfWarehouse": self.category,
            "Phone": "380800500609",
            "Latitude": self.lat,
            "Longitude": self.lon,
            "Schedule": dict.fromkeys(days, hours),
        }


@dataclass(slots=True)
class Waybill:
    """One waybill as the carrier knows it. Times are aware; phones are `380XXXXXXXXX`; sums are hryvnias."""

    number: str
    ref: str
    key: str
    service: str
    city_from: str
    city_to: str
    point: Point | None
    sender_phone: str
    recipient_phone: str
    recipient_name: str
    created_at: datetime
    eta: datetime
    cod: int = 0
    controlled: int = 0
    code: str = "1"
    updated_at: datetime | None = None
    arrived_at: datetime | None = None
    handed_at: datetime | None = None
    storage_from: datetime | None = None
    adjusted: datetime | None = None
    transfer: tuple[str, datetime] | None = None
    why: str = ""
    owner: tuple[str, str] = ("", "")
    follow_up: tuple[str, str, datetime | None] = ("", "", None)
    extra: dict[str, Any] = field(default_factory=dict)

    def knows(self, key: str, phone: str) -> bool:
        """Whether the asker may see names, phones and addresses."""
        return key == self.key or (bool(phone) and phone in (self.sender_phone, self.recipient_phone))

    def item(self, *, full: bool) -> dict[str, Any]:
        """The item of `getStatusDocuments`, masked unless `full`."""
        whole = {
            "Number": self.number,
            "StatusCode": int(self.code) if self._drifts else self.code,
            "Status": self._label(),
            "ServiceType": self.service,
            "RefEW": self.ref,
            **_EMPTY,
            **self._dates(),
            **self._places(),
            **self._people(),
            **self._money(),
            **self._documents(),
            **self.extra,
        }
        return whole if full else {**whole, **dict.fromkeys(_MASKED, "")}

    @property
    def _drifts(self) -> bool:
        """Every tenth waybill has the types of the other kind of answer: numbers for texts and texts for numbers."""
        return self.number.endswith("7")

    def _label(self) -> str:
        return _LABELS.get(self.code, f"Статус {self.code}").format(
            city_from=self.city_from,
            city_to=self.city_to,
            point=self.point.name if self.point else "адреси",
            handed=written(self.handed_at, DAY),
        )

    def _dates(self) -> dict[str, Any]:
        return {
            "DateCreated": written(self.created_at, DASHES),
            "DateScan": written(self.updated_at, TIME_FIRST) or "0001-01-01 00:00:00",
            "ScheduledDeliveryDate": written(self.eta, DOTS if self._drifts else DASHES),
            "ActualDeliveryDate": written(self.arrived_at, ISO) or "0001-01-01 00:00:00",
            "RecipientDateTime": written(self.handed_at, DOTS),
            "TrackingUpdateDate": written(self.updated_at, ISO),
            "AdjustedDate": written(self.adjusted, ISO),
            "DateFirstDayStorage": written(self.storage_from, ISO_DAY) or None,
            "DatePayedKeeping": written(self.storage_from, ISO),
        }

    def _places(self) -> dict[str, Any]:
        point = self.point
        return {
            "CitySender": self.city_from,
            "CityRecipient": self.city_to,
            "WarehouseSender": "Відділення №4: вул. Прикладна, 2",
            "WarehouseSenderAddress": f"{self.city_from}, вул. Прикладна, 2",
            "SenderAddress": f"м. {self.city_from}, Відділення №4: вул. Прикладна, 2",
            "WarehouseRecipient": point.name if point else "",
            "WarehouseRecipientNumber": point.number if point else "",
            "WarehouseRecipientRef": point.ref if point else "",
            "WarehouseRecipientAddress": f"{point.city}, {point.street}" if point else "",
            "CategoryOfWarehouse": point.category if point else "",
            "RecipientAddress": f"м. {self.city_to}, {point.name if point else 'вул. Приватна, 5, кв. 8'}",
        }

    def _people(self) -> dict[str, Any]:
        return {
            "PhoneSender": self.sender_phone,
            "PhoneRecipient": self.recipient_phone,
            "SenderFullNameEW": "Петренко Олег Іванович",
            "RecipientFullName": self.recipient_name,
            "ClientBarcode": "ORD-1042",
        }

    def _money(self) -> dict[str, Any]:
        transfer = self.transfer or ("", None)
        return {
            "Redelivery": str(bool(self.cod) * 1) if self._drifts else bool(self.cod) * 1,
            "RedeliverySum": (str(self.cod) if self._drifts else self.cod) if self.cod else "",
            "RedeliveryPayer": "Recipient" if self.cod else "",
            "AfterpaymentOnGoodsCost": self.controlled,
            "LastTransactionStatusGM": transfer[0],
            "LastTransactionDateTimeGM": written(transfer[1], ISO),
            "LastAmountTransferGM": self.controlled if self.transfer else "",
        }

    def _documents(self) -> dict[str, Any]:
        kind, number, at = self.follow_up
        return {
            "OwnerDocumentType": self.owner[0],
            "OwnerDocumentNumber": self.owner[1],
            "LastCreatedOnTheBasisDocumentType": kind,
            "LastCreatedOnTheBasisNumber": number,
            "LastCreatedOnTheBasisDateTime": written(at, ISO),
            "UndeliveryReasonsSubtypeDescription": self.why,
            "UndeliveryReasonsDate": written(self.updated_at, ISO) if self.why else "",
        }


def unknown(number: str) -> dict[str, Any]:
    """What comes for a number nobody knows, or no longer: a reduced set of keys, labelled now so, now so."""
    russian = number[-1:] in {"1", "3", "5", "7", "9"}
    yes_or_no = ("CreateRedirecting", "CreateReturn", "CreateRefusal", "ChangeEW")
    blank = (
        "RecipientFullName CargoDescriptionString RedeliverySum AnnouncedPrice RecipientAddress SenderAddress "
        "LightReturnNumber TrusteeRecipientPhone"
    )
    return {
        "Number": number,
        "StatusCode": "3",
        "Status": "Номер не найден" if russian else "Номер не знайдено",
        **{f"Possibility{name}": False for name in yes_or_no},
        "SecurePayment": False,
        **dict.fromkeys(blank.split(), ""),
    }


def written(at: datetime | None, form: str) -> str:
    """A time as the carrier writes it: Kyiv's, without saying so."""
    return at.astimezone(ZONE).strftime(form) if at else ""
