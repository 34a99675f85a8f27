"""By which limits keys are read, as the configuration says it."""

from dataclasses import replace
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    ValidationInfo,
    field_validator,
)

from bridge.config import PRESETS, DetectorLimits, check_limit


def _preset(text: str) -> str:
    if text not in PRESETS:
        raise ValueError(f"{text!r} is no preset; known: {', '.join(sorted(PRESETS))}")
    return text


class DetectorTable(BaseModel):
    """The limits of a trunk: a preset, and what differs from it. What each means: `dtmf.limits.DetectorLimits`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: Annotated[str, AfterValidator(_preset)] = "att"

    frequency_tolerance: float | None = None
    lowest_level_dbm0: float | None = None
    positive_twist_db: float | None = None
    negative_twist_db: float | None = None
    shortest_tone_ms: float | None = None
    longest_break_ms: float | None = None
    longest_loss_ms: float | None = None
    strict: bool | None = None

    @field_validator("*")
    @classmethod
    def _is_allowed(cls, value: object, info: ValidationInfo) -> object:
        name = str(info.field_name)
        if not isinstance(value, float):
            return value
        try:
            return check_limit(name, value)
        except ValueError as error:
            raise ValueError(str(error).removeprefix(f"{name} ")) from None

    @property
    def limits(self) -> DetectorLimits:
        """The limits; where nothing else is given, those of the preset."""
        changes = self.model_dump(exclude={"preset"}, exclude_none=True)
        return replace(PRESETS[self.preset], **changes)
