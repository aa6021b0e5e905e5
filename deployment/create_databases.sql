-- Run once, when PostgreSQL's volume is empty: three databases, each with an owner who sees no other one.
\set ON_ERROR_STOP on
\getenv airflow_password AIRFLOW_DATABASE_PASSWORD
\getenv lake_password LAKE_DATABASE_PASSWORD
\getenv people_password PEOPLE_DATABASE_PASSWORD

-- Airflow's metadata
CREATE ROLE airflow LOGIN PASSWORD :'airflow_password';
CREATE DATABASE airflow OWNER airflow;
REVOKE ALL ON DATABASE airflow FROM PUBLIC;

-- the catalog of the lake's tables
CREATE ROLE lake LOGIN PASSWORD :'lake_password';
CREATE DATABASE lake OWNER lake;
REVOKE ALL ON DATABASE lake FROM PUBLIC;

-- who is behind a pseudonym, where the deployment keeps it
CREATE ROLE people LOGIN PASSWORD :'people_password';
CREATE DATABASE people OWNER people;
REVOKE ALL ON DATABASE people FROM PUBLIC;

REVOKE ALL ON DATABASE postgres FROM PUBLIC;
