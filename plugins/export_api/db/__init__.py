"""Our tables in Airflow's metadata database, and how they come into it."""
