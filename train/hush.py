"""Libraries kept from printing what no recipe can mend."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_bar() -> Iterator[None]:
    """Without the bar that reading a GGUF file draws over ours: transformers has no switch for it."""
    from transformers import modeling_gguf_pytorch_utils as reader

    names = vars(reader)
    bar, names["tqdm"] = names.get("tqdm"), lambda tensors, **_: tensors
    try:
        yield
    finally:
        names["tqdm"] = bar


@contextmanager
def hushed() -> Iterator[None]:
    """Without the warnings that TRL, PEFT and transformers give each other and that no recipe can mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # names that transformers 5.24 renamed
        warnings.filterwarnings("ignore", "Could not find a config file")  # the base is a GGUF file: it has none
        yield
