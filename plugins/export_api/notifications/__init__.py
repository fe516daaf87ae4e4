"""Telling others what became of exports: webhooks and e-mail, sent from an outbox (docs/webhooks.md)."""
