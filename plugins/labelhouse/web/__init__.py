"""The pages inside the Airflow UI. Only `access` knows Airflow; everything else works without it."""
