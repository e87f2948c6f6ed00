"""Raw corpora in; immutable, verified, documented dialogue datasets out."""
