"""Loads the connectors through PyAirbyte into DuckDB, asks the tables questions, and reports. `python -m warehouse`."""
