"""The interface for programs, `/api/v1`: what the pages show, as JSON, and acts."""

from .application import make_api

__all__ = ["make_api"]
