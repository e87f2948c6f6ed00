"""The commands: thin functions that parse, call one function, and print what it returns.

Heavy imports stand inside them, so that help answers at once.
"""
