"""Tests are contracts: they mirror server/ file for file, and their names read as sentences."""
