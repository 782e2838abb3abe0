"""The requests of the floor, one module per connector, each with `pages(session, plan, job)`.

A page is a list of records as they come. `plan` is what the benchmark prepared before the clock started.
"""
