"""What `run.sh` must have shown; exit 1 where it did not."""

import json
import sys
from pathlib import Path
from typing import Any


def shown(workspace: Path) -> list[tuple[str, bool]]:
    """Statements, and whether they hold."""
    evaluations = [_read(workspace / f"runs/{run}/evaluation/evaluation.json") for run in ("tutor", "tutor-heritage")]
    first, second, forgotten = (_overall(losses) for each in evaluations for losses in each["losses"])
    stage1, stage2 = (interval[0] for interval in second["nll"][1:])
    checks = _read(workspace / "runs/tutor-heritage/export/export.json")["parity"]
    prompts = next(each for each in checks if "F16" in each["file"])["prompts"]
    same = sum(each["equal"] == each["compared"] for each in prompts)
    kls = [each["kl"] for each in prompts if each["kl"] is not None]
    kl = sum(kls) / len(kls)
    return [
        (f"Stage 1 lowers the held-out loss: {_told(first['change'][0])} nats a token", _lower(first["change"][0])),
        (f"Stage 2 lowers that of its own data: {_told(second['change'][1])}", _lower(second["change"][1])),
        (f"Against stage 1 it is {stage2 - stage1:+.3f}", stage2 < stage1),
        (f"On stage 1's data it is {_told(forgotten['change'][1])}", _lower(forgotten["change"][1])),
        (f"F16: {same} of {len(prompts)} prompts answered as by transformers, KL {kl:.1e}", same >= 9),
    ]


def _lower(interval: list[float | None]) -> bool:
    """Whether a change and its whole interval lie below zero; of one dialogue there is none."""
    return interval[2] is not None and interval[2] < 0


def _overall(losses: dict[str, Any]) -> dict[str, Any]:
    return next(line for line in losses["lines"] if line["by"] == "all")


def _told(interval: list[float | None]) -> str:
    value, *bounds = (f"{each:+.3f}" for each in interval if each is not None)
    return f"{value} ({' to '.join(bounds) or 'no interval'})"


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text("utf-8")))


if __name__ == "__main__":
    told = shown(Path(sys.argv[1]))
    for statement, holds in told:
        sys.stdout.write(f"{'yes' if holds else 'NO '}  {statement}\n")
    sys.exit(0 if all(holds for _, holds in told) else 1)
