"""How the body answers: one module per mechanism, joined by ``simulate``."""
