"""Keeping the clinic's record: people, visits, sessions, photographs; who may see them; proof.

Nothing is changed in place: every change is a new version with author, time and reason, in one
chain over all changes (`anagen.clinic.chain`).
"""
