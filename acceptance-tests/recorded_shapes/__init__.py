"""Serves the records that live accounts answered through the connectors. See `python -m recorded_shapes --help`."""
