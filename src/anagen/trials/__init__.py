"""Virtual trials: a protocol, run on the calibrated population, and what its report would hold."""
