"""Forecast: what will happen to this one patient, how sure that is, and what to do."""
