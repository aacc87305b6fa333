"""Anagen: plan, simulate and monitor intralesional steroid treatment of alopecia areata."""
