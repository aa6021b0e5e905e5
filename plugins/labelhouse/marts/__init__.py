"""From the lake to what people read: build with dbt, publish a release, read it. Nothing else opens DuckDB files."""
