"""From the start of this process, whose time `STARTED` says, to the end of the first step of `train run`; JSON."""

import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from quimbot_data.workspace import Workspace
from train.recipe import find_recipe
from train.run import run


def main() -> None:
    warnings.simplefilter("ignore")
    found: list[float] = []

    def listen(prepared: Any, line: dict[str, Any]) -> None:
        found.append(time.time() - float(os.environ["STARTED"]))

    run(Workspace(Path(sys.argv[2])), find_recipe(sys.argv[1]), listen=listen)
    sys.stdout.write(json.dumps({"seconds": found[0]}) + "\n")


if __name__ == "__main__":
    main()
