"""What can go wrong. Every message is for whoever called the command: what failed, and what to do.

Problem             the command ends with exit code 1
|- NotAirbyte       whatever answers is not an Airbyte
`- Usage            it ends with exit code 2: the arguments or the environment are to be corrected
"""

from __future__ import annotations


class Problem(Exception):
    """The text is complete; it never holds a secret."""


class Usage(Problem):
    """Nothing has been sent."""


class NotAirbyte(Problem):
    """The answer has not the form that Airbyte's API documents; the text says what came instead."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"This is not the API of Airbyte: the answer is {what}. Give the address that the UI has in the browser, "
            "http://localhost:8000 for instance."
        )
