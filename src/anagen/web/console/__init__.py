"""The console: pages over the same functions as the API; they work without JavaScript."""
