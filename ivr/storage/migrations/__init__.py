"""Alembic's folder: one file a step under `versions`, run by :mod:`ivr.storage.migrate`."""
