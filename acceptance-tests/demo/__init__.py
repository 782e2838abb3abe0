"""Shows a connector at work on an emulated account. See `python -m demo --help`."""
