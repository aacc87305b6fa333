"""What is done: products, injections, sessions, plans, placement of sites, and the rules."""
