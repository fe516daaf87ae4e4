"""The native API: parse, call the service, shape the answer."""
