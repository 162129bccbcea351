"""Tests of server/actions/."""
