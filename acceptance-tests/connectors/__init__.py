"""One module per connector under test, each with one `CONNECTOR`."""
