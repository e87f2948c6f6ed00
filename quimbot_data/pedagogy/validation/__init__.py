"""Critics against people: the labelled sets that they are held to, and how far they agree."""
