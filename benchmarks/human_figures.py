"""Measures the sets of human teachers again, for `quimbot critics report` to set beside: run it when a measure changes.

python benchmarks/human_figures.py FOLDER    holds bridge, cima and mathdial in their authors' files
"""

import sys
from pathlib import Path

from quimbot_data.pedagogy import report
from quimbot_data.workspace import write_model

if __name__ == "__main__":
    to = Path(__file__).parents[1] / "quimbot_data" / "pedagogy" / "human_figures.json"
    if Path(report.__file__).resolve().parent != to.resolve().parent:
        sys.exit(f"{report.__file__} is another copy of the package: put this one first on PYTHONPATH.")
    write_model(to, report.measured_humans(Path(sys.argv[1])))
    print(f"Written: {to}")
