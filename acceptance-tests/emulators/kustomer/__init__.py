"""The Kustomer emulator: one search endpoint for everything, an archive beside it, lists and children by page."""
