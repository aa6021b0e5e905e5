"""Every column once. Arrow, Iceberg, DuckDB, dbt sources and doc blocks are derived from it."""
