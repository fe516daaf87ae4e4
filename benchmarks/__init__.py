"""Measurements on the real stack; `make bench` runs them."""
