"""Alembic's entry: run the migrations on the connection that `database.migrate` gives."""

from alembic import context
from puntual.core.history.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
