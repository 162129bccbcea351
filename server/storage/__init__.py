"""Storage: tables, the queries over them, the log, and the one writer. It decides nothing; nothing above writes SQL."""
