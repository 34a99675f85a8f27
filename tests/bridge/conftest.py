"""The two ends of a call: phones made of the SIP endpoint itself."""

from collections.abc import AsyncIterator

import pytest

from tests.bridge.phone import Phone


@pytest.fixture
async def alice() -> AsyncIterator[Phone]:
    async with Phone() as phone:
        yield phone


@pytest.fixture
async def bob() -> AsyncIterator[Phone]:
    async with Phone() as phone:
        yield phone
