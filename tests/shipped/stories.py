"""What each flow of the repository's flows.yaml must have done in the month, to the minute and to the word.

A story looks at its `cast` alone, and at them completely: who stands there and has no line was left in peace. The
lines, times as in `month.py`:

- `says`: when, who, channel connection, template | words of the text;
- `raises`: when, case, who of the staff was told first, severity | the whole reason;
- `calls`: case, the status that the CRM was told, in their order;
- `writes`: case, what the shop saw written;
- `mutes`, `tags`: case, classes or tags;
- `unsent`: case, template | why it did not leave.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Story:
    """One flow, and what came of it for these."""

    cast: str
    says: str = ""
    raises: str = ""
    calls: str = ""
    writes: str = ""
    mutes: str = ""
    tags: str = ""
    unsent: str = ""


STORIES: Mapping[str, Story] = {
    "confirm-order": Story(
        cast="anna emma zofia wrong-number no-mail",
        says="""
        1 10:03 anna mail order-received | Ми отримали ваше замовлення #1071 Дякуємо! Ми
        1 10:04 wrong-number mail order-received | Ми отримали ваше замовлення #1074 Дякуємо! Ми
        1 10:16 zofia ziarno-mail order-received | Mamy Twoje zamówienie 7419 Dziękujemy! Mamy Twoje
        1 10:30 emma mail order-received | We have your order #1093 Thank you! We have your
        2 09:04 wrong-number mail still-on-its-way | Замовлення #1074: новин поки немає
        3 09:04 wrong-number mail still-on-its-way | Замовлення #1074: новин поки немає
        """,
        raises="""
        1 10:05 no-mail olena high | order-received: nobody could be reached
        4 09:04 wrong-number olena high | still-on-its-way promised news by 2026-11-27 10:04: renewed 2 times in a row
        """,
    ),
    "verify-contact": Story(
        cast="wrong-number no-mail anna",
        says="""
        1 10:04 wrong-number mail please-check-your-number | Замовлення #1074: чи правильний номер телефону?
        """,
        raises="""
        1 10:03 wrong-number olena low | Call: the number 12345 looks wrong (#1074)
        1 10:04 no-mail olena low | Call: the number 12345 looks wrong (#1075)
        """,
    ),
    "cash-on-delivery": Story(
        cast="john john-again small-cash",
        raises="""
        1 10:05 john olena normal | Confirm by phone before packing: #1076, 3 559 ₴
        """,
    ),
    "vip": Story(
        cast="rita-10 rita-11 rita-1",
        raises="""
        1 10:50 rita-11 olena low | A regular ordered #1117: thank Рита in person
        """,
        tags="""
        rita-1 vip
        """,
    ),
    "on-hold": Story(
        cast="held anna",
        says="""
        1 11:01 held turbosms on-hold | Kavovar: замовлення #1078 призупинено: адреса
        """,
    ),
    "packed": Story(
        cast="anna boris",
        says="""
        1 11:31 anna bot packed | Це ваша посилка із замовленням #1071: я вже
        """,
    ),
    "cancelled": Story(
        cast="taras zofia anna",
        says="""
        1 12:01 taras mail order-cancelled | Замовлення #1079 скасовано Ваше замовлення #1079
        4 10:16 zofia ziarno-mail order-cancelled | Zamówienie 7419 zostało anulowane Twoje zamówienie
        """,
    ),
    "payment-confirmed": Story(
        cast="transfer zoya anna dmytro john",
        says="""
        1 11:11 transfer mail payment-received | Оплату замовлення #1080 отримано Оплату замовлення
        2 12:01 zoya mail payment-received | Оплату замовлення #1082 отримано Оплату замовлення
        """,
    ),
    "payment-failed": Story(
        cast="zoya dmytro",
        says="""
        1 10:24 zoya turbosms payment-failed | Kavovar: оплата замовлення #1082 не пройшла
        1 10:24 zoya mail payment-failed | Оплата замовлення #1082 не пройшла Оплата
        1 17:10 zoya turbosms payment-failed | Kavovar: оплата замовлення #1082 не пройшла
        1 17:10 zoya mail payment-failed | Оплата замовлення #1082 не пройшла Оплата
        2 10:10 zoya turbosms payment-failed | Kavovar: оплата замовлення #1082 не пройшла
        2 10:10 zoya mail payment-failed | Оплата замовлення #1082 не пройшла Оплата
        """,
        raises="""
        2 10:10 zoya olena normal | Payment of #1082 failed 3 times: no reason given
        """,
    ),
    "awaiting-payment": Story(
        cast="zoya zofia pawel transfer small-cash",
        says="""
        1 13:13 zoya mail please-pay | Замовлення #1082 чекає на оплату Ваше замовлення
        1 13:15 zofia ziarno-mail please-pay | Zamówienie 7419 czeka na płatność Twoje zamówienie
        1 13:16 pawel ziarno-mail please-pay | Zamówienie 7420 czeka na płatność Twoje zamówienie
        2 13:15 zofia ziarno-mail please-pay | Zamówienie 7419 czeka na płatność Twoje zamówienie
        """,
        writes="""
        zofia cancelled
        """,
    ),
    "refunded": Story(
        cast="taras ihor oleksii refused",
        says="""
        1 12:01 taras mail refunded | Повернули вам кошти за замовлення #1079 Ми
        4 10:01 ihor mail refunded | Повернули вам частину коштів за замовлення #1083 Ми
        5 10:01 ihor mail refunded | Повернули вам кошти за замовлення #1083 Ми
        8 11:01 oleksii mail refunded | Вернули вам деньги за заказ #1103 Мы вернули вам
        """,
    ),
    "shipped": Story(
        cast="anna emma magda marek ivan unnumbered numbered-late label-only",
        says="""
        1 15:06 emma turbosms shipped | Kavovar: this is your parcel with order #1093
        1 20:01 magda ziarno-sms shipped | Ziarno: zamowienie 7421 jest w drodze, przesylka
        1 20:01 anna bot shipped | Це ваша посилка із замовленням #1071: я вже їду до
        1 20:30 marek turbosms shipped-part | Kavovar: tu paczka 1 z 2 z zamowienia #1084, jade
        2 08:00 ivan turbosms shipped | Kavovar: їду до вас із замовленням #1085, накладна
        2 12:20 numbered-late turbosms shipped | Kavovar: їду до вас із замовленням #1087, накладна
        3 08:00 ivan turbosms shipped-part | Kavovar: я посилка 2 з 2 (замовлення #1085), їду до
        """,
        raises="""
        2 22:20 unnumbered taras normal | #1086 left without a tracking number
        """,
    ),
    "out-for-delivery": Story(
        cast="bohdan anna",
        says="""
        2 10:01 bohdan turbosms out-for-delivery | Kavovar: кур’єр уже везе мене до вас із замовленням
        3 09:31 bohdan turbosms out-for-delivery | Kavovar: кур’єр уже везе мене до вас із замовленням
        """,
    ),
    "ready-for-pickup": Story(
        cast="anna lev mila magda emma",
        says="""
        2 10:01 magda ziarno-sms ready-for-pickup | Ziarno: zamowienie 7421 czeka: KRA01M, Zmyslona 3
        2 10:01 anna bot ready-for-pickup | Це ваша посилка із замовленням #1071: я на місці
        2 10:01 lev turbosms ready-for-pickup | Kavovar: чекаю на вас із замовленням #1089
        2 10:01 mila turbosms ready-for-pickup | Kavovar: чекаю на вас із замовленням #1090
        3 10:00 magda ziarno-sms pickup-last-day | Ziarno: czas odebrac zamowienie 7421: KRA01M
        3 10:00 magda ziarno-mail pickup-last-day | Zamówienie 7421: czas odebrać paczkę Zdążysz
        4 09:00 mila turbosms pickup-last-day | Kavovar: заберіть мене (замовлення #1090): Поштомат
        4 09:00 mila mail pickup-last-day | Замовлення #1090: моє безкоштовне зберігання
        6 08:00 lev turbosms pickup-reminder | Kavovar: досі чекаю із замовленням #1089
        8 09:00 lev turbosms pickup-last-day | Kavovar: заберіть мене (замовлення #1089)
        8 09:00 lev mail pickup-last-day | Замовлення #1089: моє безкоштовне зберігання
        """,
    ),
    "not-collected": Story(
        cast="mila oleh larysa lev",
        says="""
        5 13:01 mila turbosms not-collected | Kavovar: це посилка із замовленням #1090. Мене не
        5 13:01 oleh turbosms not-collected | Kavovar: це посилка із замовленням #1091. Мене не
        """,
        raises="""
        5 13:00 mila olena normal | #1090 was not collected
        5 13:00 oleh olena normal | #1091 was not collected
        """,
        writes="""
        mila note
        """,
    ),
    "on-its-way-back": Story(
        cast="larysa mila",
        raises="""
        3 13:00 larysa olena high | #1092 is on its way back: refused
        """,
    ),
    "came-back": Story(
        cast="larysa oleh",
        raises="""
        5 13:00 larysa taras normal | #1092 is back: check it, then refund or send again
        """,
    ),
    "delivery-failed": Story(
        cast="bohdan larysa anna",
        says="""
        2 15:01 bohdan turbosms delivery-failed | Kavovar: мене не вдалося вручити (замовлення
        3 11:01 larysa turbosms delivery-failed | Kavovar: меня не удалось вручить (заказ #1092): от
        3 15:01 bohdan mail delivery-failed | Замовлення #1088: мене не вдалося вручити Це ваша
        """,
        raises="""
        3 15:00 bohdan olena high | Second failed delivery of #1088: not_at_home
        """,
    ),
    "held-up": Story(
        cast="emma anna",
        says="""
        2 11:01 emma turbosms parcel-delayed | Kavovar: I am sorry, I am running late with your
        """,
    ),
    "delayed": Story(
        cast="nadia lost-sight label-only sonia anna",
        says="""
        2 10:01 nadia mail delayed | Замовлення #1094 буде пізніше, ніж ми казали Ваше
        5 00:00 label-only mail delayed | Замовлення #1095 буде пізніше, ніж ми казали Ваше
        5 00:00 lost-sight mail delayed | Замовлення #1096 буде пізніше, ніж ми казали Ваше
        4 09:01 nadia mail still-on-its-way | Замовлення #1094: новин поки немає
        7 17:00 label-only mail still-on-its-way | Замовлення #1095: новин поки немає
        9 17:00 label-only mail still-on-its-way | Замовлення #1095: новин поки немає
        """,
        raises="""
        11 17:00 label-only olena high | still-on-its-way promised news by 2026-12-07 09:00: renewed 2 times in a row
        """,
    ),
    "stuck-in-processing": Story(
        cast="stuck pawel magda",
        raises="""
        9 10:31 stuck taras normal | 7422 in processing since wtorek, 24 listopada
        9 16:16 pawel taras normal | 7420 in processing since wtorek, 24 listopada
        """,
    ),
    "never-handed-over": Story(
        cast="label-only numbered-late",
        raises="""
        3 14:00 label-only taras normal | #1095: label made, parcel never handed over
        """,
    ),
    "carrier-silent": Story(
        cast="lost-sight label-only unnumbered sonia lev",
        says="""
        6 18:11 lost-sight mail we-are-asking-the-carrier | Замовлення #1096: з’ясовуємо в перевізника, де
        """,
        raises="""
        6 18:10 lost-sight olena normal | Ask Nova Poshta where 20450000000019 of #1096 is
        """,
    ),
    "problem": Story(
        cast="sofia sonia mila",
        says="""
        2 11:00 sofia turbosms problem-we-are-on-it | Kavovar: із посилкою за замовленням #1097 щось
        2 11:00 sonia turbosms problem-we-are-on-it | Kavovar: із посилкою за замовленням #1098 щось
        2 11:00 sofia mail problem-we-are-on-it | Із замовленням #1097 щось пішло не так, ми вже
        2 11:00 sonia mail problem-we-are-on-it | Із замовленням #1098 щось пішло не так, ми вже
        3 11:40 sofia turbosms problem-solved | Kavovar: проблему із замовленням #1097 розв’язано
        4 11:00 sonia turbosms problem-still-open | Kavovar: проблему з посилкою за замовленням #1098
        3 10:00 sofia mail still-on-its-way | Замовлення #1097: новин поки немає
        3 10:00 sonia mail still-on-its-way | Замовлення #1098: новин поки немає
        4 10:00 sonia mail still-on-its-way | Замовлення #1098: новин поки немає
        7 10:00 sonia mail still-on-its-way | Замовлення #1098: новин поки немає
        8 10:00 sonia mail still-on-its-way | Замовлення #1098: новин поки немає
        """,
        raises="""
        2 11:00 sofia olena critical | #1097, damaged: Статус 115
        2 11:00 sonia olena critical | #1098, damaged: Статус 115
        4 11:00 sonia iryna critical | #1098: not solved after two days
        9 10:00 sonia olena high | still-on-its-way promised news by 2026-12-02 11:00: renewed 2 times in a row
        """,
    ),
    "delivered": Story(
        cast="anna emma magda marek ivan lost-sight larysa",
        says="""
        3 13:01 anna bot delivered | Це ваша посилка із замовленням #1071: я вже у вас
        3 18:01 emma mail delivered | Order #1093: I am with you now This is your parcel
        4 11:01 magda ziarno-mail delivered | Zamówienie 7421 jest już u Ciebie Zamówienie 7421
        4 12:30 marek mail delivered | Paczka z zamówienia #1084: jestem już
        4 12:30 ivan mail delivered | Посилка із замовлення #1085: я вже у вас Це посилка
        4 16:00 marek mail delivered | Zamówienie #1084: jestem już u Ciebie
        5 12:30 ivan mail delivered | Замовлення #1085: я вже у вас Це ваша посилка із
        8 18:01 lost-sight mail delivered | Замовлення #1096: я вже у вас Це ваша посилка із
        """,
    ),
    "ask-how-it-was": Story(
        cast="anna vira magda unhappy lost-sight complains asks oleksii sofia",
        says="""
        6 13:00 anna bot five-questions | Як усе пройшло? Замовлення #1071 вже кілька днів у
        6 13:00 vira mail five-questions | Як вам замовлення #1073? Ваше замовлення #1073 уже
        6 13:00 unhappy mail five-questions | Як вам замовлення #1099? Ваше замовлення #1099 уже
        7 11:00 magda ziarno-mail five-questions | Zamówienie 7421: jak było? Zamówienie 7421 jest już
        10 13:00 vira mail five-questions-reminder | Замовлення #1073: знайдеться хвилина на п’ять
        11 11:00 magda ziarno-mail five-questions-reminder | Zamówienie 7421: minuta na pięć pytań? Nadal chcemy
        11 18:00 lost-sight mail five-questions | Як вам замовлення #1096? Ваше замовлення #1096 уже
        15 18:00 lost-sight mail five-questions-reminder | Замовлення #1096: знайдеться хвилина на п’ять
        """,
        unsent="""
        anna five-questions-reminder | already answered
        unhappy five-questions-reminder | already answered
        """,
    ),
    "unhappy": Story(
        cast="unhappy anna boris",
        raises="""
        7 11:00 unhappy olena high | #1099 scored 3 of 10: Чашка з тріщиною.
        """,
        mutes="""
        unhappy marketing
        """,
    ),
    "happy": Story(
        cast="anna boris unhappy",
        says="""
        6 20:05 anna mail please-review | Дякуємо! Розкажете й іншим? Дякуємо за теплу
        """,
        unsent="""
        boris please-review | no consent
        """,
    ),
    "complaint": Story(
        cast="complains asks",
        says="""
        3 15:01 complains bot complaint-received | Ми отримали вашу скаргу щодо замовлення #1100
        """,
        raises="""
        3 15:00 complains olena high | Чашка приїхала розбита
        4 17:00 complains olena high | complaint-received promised news by 2026-11-28 15:01: a question is open
        """,
        mutes="""
        complains feedback marketing
        """,
    ),
    "question": Story(
        cast="asks asks-where complains",
        says="""
        3 15:11 asks turbosms question-received | Kavovar: дякуємо, ми отримали ваше запитання щодо
        """,
        raises="""
        1 16:30 asks-where olena normal | Чи є у вас крамниця?
        3 15:10 asks olena normal | Чи можна подарункову упаковку?
        """,
    ),
    "return-steps": Story(
        cast="oleksii refused anna",
        says="""
        5 10:31 oleksii mail return-news | Заказ #1103: Запрос на возврат Мы получили ваш
        5 10:31 refused mail return-news | Замовлення #1104: Запит на повернення Ми отримали
        5 11:31 oleksii mail return-news | Заказ #1103: Возврат согласован Возврат по заказу
        5 11:31 refused mail return-news | Замовлення #1104: Повернення не прийнято Ми не
        8 10:01 oleksii mail return-news | Заказ #1103: Возврат получен Ваш возврат по заказу
        """,
        raises="""
        8 10:00 oleksii olena normal | Refund #1103
        """,
    ),
    "buy-again": Story(
        cast="anna boris vira unhappy",
        says="""
        28 13:00 anna bot order-the-same-again | Ось що було у вашому замовленні #1071: - Ethiopia
        """,
    ),
    "tell-the-crm": Story(
        cast="anna taras sofia zofia label-only",
        calls="""
        anna awaiting_payment
        taras awaiting_payment
        zofia awaiting_payment
        label-only awaiting_payment
        sofia awaiting_payment
        taras cancelled
        anna in_transit
        sofia in_transit
        sofia problem
        anna delivered
        zofia cancelled
        """,
    ),
    "unmapped-status": Story(
        cast="iryna",
        says="""
        2 11:00 iryna bot staff-unmapped-status | nova-poshta надсилає статус, якого ще немає в
        """,
    ),
    "source-silent": Story(
        cast="~connection:woo ~connection:main-shop",
        raises="""
        10 09:00 ~connection:woo iryna high | No event from woo for a working day
        """,
    ),
    "connection-failing": Story(
        cast="iryna",
        says="""
        8 12:00 iryna bot staff-connection-failing | Підключення nova-poshta кілька разів поспіль дало
        9 10:24 iryna bot staff-connection-failing | Підключення woo кілька разів поспіль дало збій. Хаб
        """,
    ),
    "nobody-took-it": Story(
        cast="john small-cash anna zoya",
        mutes="""
        john feedback marketing
        zoya feedback marketing
        """,
    ),
    "weekly-report": Story(
        cast="iryna",
        says="""
        7 08:00 iryna mail staff-weekly-report | Тиждень: Kavovar Період: 23 листопада – 30
        7 09:00 iryna ziarno-mail staff-weekly-report | Тиждень: Ziarno Період: 23 листопада – 30 листопада
        14 08:00 iryna mail staff-weekly-report | Тиждень: Kavovar Період: 30 листопада – 7 грудня
        14 09:00 iryna ziarno-mail staff-weekly-report | Тиждень: Ziarno Період: 30 листопада – 7 грудня
        21 08:00 iryna mail staff-weekly-report | Тиждень: Kavovar Період: 7 грудня – 14 грудня
        21 09:00 iryna ziarno-mail staff-weekly-report | Тиждень: Ziarno Період: 7 грудня – 14 грудня
        28 08:00 iryna mail staff-weekly-report | Тиждень: Kavovar Період: 14 грудня – 21 грудня
        28 09:00 iryna ziarno-mail staff-weekly-report | Тиждень: Ziarno Період: 14 грудня – 21 грудня
        """,
    ),
    "call-back": Story(
        cast="call-me anna",
        raises="""
        2 11:00 call-me olena normal | Ціла Рута of #1106 asked for a call
        """,
    ),
}

SURVEYS: Mapping[str, tuple[str, str, int | None] | None] = {
    "anna": ("answered", "bot", 10),
    "unhappy": ("answered", "mail", 3),
    "boris": ("answered", "mail", 10),
    "vira": ("open", "", None),
    "complains": None,
    "oleksii": None,
}
"""Case → its survey: state, where it was answered, and the likelihood of a recommendation; None: it was not asked."""

STAFF_ONLY = frozenset({"shipment.returned"})
"""Of these a person of the shop hears, who then says what becomes of the order."""

BROKEN: Mapping[str, frozenset[str]] = {
    # Who pays a little later and is not sent anything yet, and who can be reached by nothing.
    "paid-orders-hear-from-us": frozenset({"pawel", "no-mail"}),
    "complaints-are-answered": frozenset({"complains"}),
    "problems-reach-a-human": frozenset(),
}
"""Policy → whose orders break it."""
