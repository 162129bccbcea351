"""Commands: what each word of `ripost` does, from its arguments to its lines of output. No logic: the actions have it."""
