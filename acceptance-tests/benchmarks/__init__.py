"""Measures a connector against a floor: the least work that moves the same records from the same server."""
