"""Airbyte's command line in the folders of the connectors: `airbyte-cdk connector test` and `airbyte-cdk image test`.

It is that of a plain `pip install 'airbyte-cdk[dev]'`, with the pytest that comes along and without our packages. Each
connector is tested in a copy of the checkout, so that nothing is written into it, with an emulated account in the place
of `secrets/config.json`. `make airbyte-tests` is the command.
"""
