"""Detectors and policy: from observation to verdict."""
