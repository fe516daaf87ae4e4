"""How Waybill is run: on one machine (local), its demo data (demo), and as containers (docker)."""
