"""Raw corpora in; immutable, verified, documented dialogue datasets out."""

import os

# The allocators of polars and Arrow hand freed memory back to the system within half a second and a hundredth of one,
# and batch after batch pays for the same pages again; kept for ten seconds, they pile up as rows grow. Kept for four
# seconds, and two, an ingest of 400,000 rows takes an eighth more memory than one of 100,000. Each of the four pools a
# core that jemalloc opens would keep pages of its own, hence one a core. They read this when they are first imported,
# so where they are there already, or the user has set it, nothing changes.
_POOLS = max(2, os.cpu_count() or 2)
os.environ.setdefault("_RJEM_MALLOC_CONF", f"narenas:{_POOLS},dirty_decay_ms:4000,muzzy_decay_ms:0")
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "2000")
