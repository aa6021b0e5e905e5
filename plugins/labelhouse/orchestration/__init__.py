"""Airflow: assets, task wrappers around `labelhouse.pipeline`, clients from connections. Nothing else imports it.

Parsing a DAG file imports these modules, so what is heavy (pyarrow, boto3, pyiceberg, DuckDB) is
imported inside the tasks.
"""
