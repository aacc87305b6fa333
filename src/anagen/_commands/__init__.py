"""What stands behind the command line: files written whole, answers for people and for machines."""
