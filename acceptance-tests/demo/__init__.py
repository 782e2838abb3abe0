"""Shows source-closeio at work on an emulated account. See `python -m demo --help`."""
