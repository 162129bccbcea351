"""Commands: what each word of `ripost` does, from its arguments to its lines of output. The actions have the logic."""
