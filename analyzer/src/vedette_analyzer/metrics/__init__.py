"""What Prometheus may know: figures, and where it asks for them."""

from .serving import MetricsServer

__all__ = ["MetricsServer"]
