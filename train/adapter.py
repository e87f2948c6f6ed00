"""The adapter of a finished run, where `PeftModel.from_pretrained` looks for it."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from quimbot_data.workspace import sync_folder, writing
from schemas.run import ADAPTER_WEIGHTS
from train.plan import Prepared

_CONFIG: Final = "adapter_config.json"
_TOKENIZER: Final = "tokenizer_config.json"
#: What transformers notes of where it loaded a tokenizer from: no matter of the adapter.
_OF_THE_MACHINE: Final = ("is_local", "local_files_only")


def publish_adapter(prepared: Prepared, checkpoint: Path, final: Path) -> Path:
    """Copy a checkpoint's adapter, with tokenizer and chat template, to where it is looked for; whole or not there."""
    aside = final.with_name(f".writing-{final.name}")
    with writing(final.parent):
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        shutil.copyfile(checkpoint / ADAPTER_WEIGHTS, aside / ADAPTER_WEIGHTS)
        config = json.loads((checkpoint / _CONFIG).read_bytes())
        # PEFT keeps the names of layers in a set, whose order changes from one process to the next.
        config |= {key: sorted(value) for key, value in config.items() if key == "target_modules" and value}
        config["base_model_name_or_path"] = prepared.recipe.base
        _write_json(aside / _CONFIG, config)
        prepared.tokenizer.save_pretrained(aside)
        told = json.loads((aside / _TOKENIZER).read_bytes())
        _write_json(aside / _TOKENIZER, {key: value for key, value in told.items() if key not in _OF_THE_MACHINE})
        sync_folder(aside)
        shutil.rmtree(final, ignore_errors=True)
        aside.rename(final)
        sync_folder(final.parent)
    return final


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
