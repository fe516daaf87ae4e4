"""The embedded stack: PostgreSQL, SeaweedFS and Airflow under supervisord, without Docker or root."""
