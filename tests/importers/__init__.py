"""Tests of server/importers/."""
