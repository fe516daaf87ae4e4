"""The REST API of verified exports, as an Airflow plugin."""

MOUNT = "/export-api"
"""Where Airflow mounts the API."""

VERSION = "/v1"
"""What every route starts with: a mount's own path answers with Airflow's UI, so no route may be the mount itself."""
