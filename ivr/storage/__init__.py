"""Where the application keeps things: SQLite through SQLAlchemy, migrated by Alembic. No card data in any row."""
