"""Waybill's product code that knows neither Airflow nor the web: core, sources, formats, artifacts, exporters."""
