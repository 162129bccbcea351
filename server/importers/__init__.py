"""Importers: what other systems and copied pages hold, as records in one vocabulary. Pure: lines in, records out.

Each format is a module with a `parse`. None looks anything up, reads a file or knows the database; what a record means
for a discussion that is already there is decided by actions/imports.py. A file that is not understood raises
NotUnderstood with its line and what was expected there.
"""
