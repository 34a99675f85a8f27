"""Processors and their transports: the only place where card data may be revealed."""
