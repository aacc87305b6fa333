"""The server: the JSON API over the clinic's record; thin, no logic of its own."""
