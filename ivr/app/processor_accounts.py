"""The processor accounts of this gateway."""

from ivr.payments.processors.test_processor import test_account
from ivr.payments.runner import Account


def processor_accounts() -> dict[str, Account]:
    """Return fresh accounts by the name that profiles use."""
    return {"test": test_account()}
