"""The one error of this package."""


class EvidenceError(Exception):
    """Evidence cannot be made, read or trusted; the text says why, for people, and holds no card data."""
