"""What Alembic runs: the connection comes from the program that opens the archive."""

from alembic import context
from vedette_archive.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
