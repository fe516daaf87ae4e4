"""Airflow operators: thin over include."""
