"""Who is treated: the record as plain data, and the readable patient file."""
