"""The domain: what an export is, what it promises, and how one runs."""
