"""What holds where nobody chose; read by the command line before anything heavy is loaded."""

DEFAULT_PROTOCOL = "scalp-standard-5"
"""Key in ``protocols.toml`` of the protocol that plans are made by."""
