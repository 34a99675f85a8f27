"""What storage raises. No text here ever holds a stored value.

StoreError (ivr.session.store)
├── DatabaseUnavailableError   the file or its folder cannot be used; says which and what to do
└── SchemaError                the tables are not those this version needs
"""

from ivr.session.store import StoreError


class DatabaseUnavailableError(StoreError):
    """The database cannot be used; the text names the path and what to do about it."""


class SchemaError(StoreError):
    """The database's tables do not fit this version; the text says what to do about it."""
