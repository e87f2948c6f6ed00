"""Raw corpora in; immutable, verified, documented dialogue datasets out."""

import os

# The allocators of polars and Arrow hand freed memory back to the system within half a second and a hundredth of one,
# and batch after batch pays for the same pages again: kept ten seconds, an ingest is a tenth faster. They read this
# when they are first imported, so where they are there already, or the user has set it, nothing changes.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:10000,muzzy_decay_ms:10000")
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "10000")
