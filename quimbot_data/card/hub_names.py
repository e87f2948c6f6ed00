"""What the Hugging Face Hub calls licences and sizes: https://huggingface.co/docs/hub/repositories-licenses"""

import re
from typing import Final

#: The Hub's licence ids by SPDX id in lower case, where the two differ.
_HUB_NAMES: Final = {
    **{"odc-by-1.0": "odc-by", "odbl-1.0": "odbl", "pddl-1.0": "pddl", "c-uda-1.0": "c-uda"},
    **{f"{name}-3.0-{suffix}": f"{name}-3.0" for name in ("gpl", "agpl", "lgpl") for suffix in ("only", "or-later")},
    **{f"gpl-2.0-{suffix}": "gpl-2.0" for suffix in ("only", "or-later")},
    **{f"lgpl-2.1-{suffix}": "lgpl-2.1" for suffix in ("only", "or-later")},
}
#: Licences that the Hub calls by their SPDX id in lower case.
_HUB_IDS: Final = frozenset(
    {
        *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "isc", "unlicense", "wtfpl"),
        *("cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0"),
        *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"),
        *("cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cdla-sharing-1.0", "cdla-permissive-1.0"),
        *("cdla-permissive-2.0", "mpl-2.0", "epl-2.0", "eupl-1.2", "artistic-2.0", "afl-3.0", "osl-3.0", "zlib"),
        *("gpl-2.0", "gpl-3.0", "agpl-3.0", "lgpl-2.1", "lgpl-3.0", "odc-by", "odbl", "pddl", "c-uda", "etalab-2.0"),
    }
)
_SIZES: Final = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B")


def size_category(rows: int) -> str:
    """The Hub's size category of a number of rows.

    >>> size_category(999), size_category(1000), size_category(123_456)
    ('n<1K', '1K<n<10K', '100K<n<1M')
    """
    return _SIZES[min(max(len(str(rows)) - 3, 0), len(_SIZES) - 1)]


def hub_license(license_id: str) -> str | None:
    """The Hub's id of a licence; None for one that the Hub does not list.

    >>> hub_license("CC-BY-SA-4.0"), hub_license("LicenseRef-Own")
    ('cc-by-sa-4.0', None)
    """
    name = _HUB_NAMES.get(license_id.lower(), license_id.lower())
    return name if name in _HUB_IDS else None


def hub_license_or_other(license_id: str) -> str:
    """The Hub's id of a licence, `other` for one that it does not list."""
    return hub_license(license_id) or "other"


def license_name(license_id: str) -> str:
    """A name in the Hub's spelling for a licence that the Hub does not list.

    >>> license_name("LicenseRef-LMSYS-Chat-1M")
    'lmsys-chat-1m'
    """
    return re.sub(r"[^a-z0-9.]+", "-", license_id.removeprefix("LicenseRef-").lower())
