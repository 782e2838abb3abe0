"""Adds the connectors' images to an Airbyte as custom source definitions, or moves existing ones to a new version.

docs/airbyte-oss.md tells how it is used; `make register` is the command.
"""
