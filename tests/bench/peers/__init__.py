"""Servers that Ripost is measured beside, each with the configuration it is measured with."""
