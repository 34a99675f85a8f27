"""Payment links: the other way to pay, when keying does not work."""
