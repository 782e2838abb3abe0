"""What the DAGs of load_accounts.py do: run connectors, split accounts, bring rows to PostgreSQL.

Nothing here knows Airflow.
"""
