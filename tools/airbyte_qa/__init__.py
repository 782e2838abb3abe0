"""Runs Airbyte's own checks of connectors, those that a pull request to its catalogue must pass, over this repository.

Airbyte publishes them as `airbyte-internal-ops` (`connector_qa`, and a validator of `metadata.yaml`). `make airbyte-qa`
is the command; `refusals.yaml` names every check that refuses a connector here, or is not asked, with the reason.
"""
