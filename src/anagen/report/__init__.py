"""How it is shown: pictures, the injection sheet and the report."""
