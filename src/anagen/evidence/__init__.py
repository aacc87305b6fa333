"""What is known: parameters, products, rules, scales and references, as data with sources."""
