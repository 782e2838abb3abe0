"""Installs the wheels of `dist/` as a user does, far from the checkout, and reads an emulated account with each.

Nothing is looked up in an index. `make test-dist` is the command.
"""
