"""Ripost measured beside its peers, by one generator over raw sockets (`make bench`)."""
