"""Measurements side by side with peers, on servers of their own; `make bench` runs them."""
