"""What can be wrong with a frame from the browser.

Exception
└── ProtocolError      a frame that cannot be obeyed; answered with an `error` message, never fatal by itself
"""


class ProtocolError(Exception):
    """A frame from the browser was refused; `code` is a stable word, `message` is for the person."""

    def __init__(self, code: str, message: str, *, field: str = "", id: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.field = field
        "Name of the input that is wrong (`amount`, `payee` ...); empty when none is."
        self.id = id
        "The command's id; None where the frame was too broken to have one."
