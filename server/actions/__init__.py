"""Use cases: the only door through which a discussion changes. Each checks, decides, and does it in one transaction."""
