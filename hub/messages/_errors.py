"""What can go wrong when a text is filled. No message of these holds a value, only names."""


class TextError(Exception):
    """A text could not be made."""


class MissingData(TextError):
    """A text prints absent fields; `fields` names them (`shipment.tracking_url`). The message waits (guard 4)."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__(f"there is no {', '.join(fields)}")
        self.fields = fields


class TooLongError(TextError):
    """A text grew past its limit, and was cut off while it was made."""


class NoTextError(TextError):
    """There is no such template in this form in any of the languages asked for."""


class UnprintableError(TextError):
    """A text does with a value what cannot be done (compares a name with a number, prints a list)."""
