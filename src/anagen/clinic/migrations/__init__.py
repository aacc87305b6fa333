"""How the tables came to be as they are: one script per revision, in order."""
