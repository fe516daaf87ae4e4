"""Where artifacts lie."""
