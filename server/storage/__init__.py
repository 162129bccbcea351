"""Storage: tables, the queries over them, the log, and the one writer. Nothing here decides; nothing above it writes SQL."""
