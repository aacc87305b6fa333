"""How people differ: virtual people calibrated to what trials have published."""
