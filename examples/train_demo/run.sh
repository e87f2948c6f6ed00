#!/bin/sh
# From nothing to a small tutor and back to the data, in under ten minutes on two cores, offline: the demo's samples and
# generated dialogues, two stages of training, losses in SQL, evaluations, an export that llama.cpp reads.
#
#   make train-demo                          in a temporary workspace
#   sh examples/train_demo/run.sh FOLDER     in one that stays; what is done there already is kept
set -eu
here=$(dirname "$0")
QUIMBOT_WORKSPACE=${1:-$(mktemp -d)}
export QUIMBOT_WORKSPACE TOKENIZERS_PARALLELISM=false TQDM_DISABLE=1
made=$QUIMBOT_WORKSPACE/raw/generated
mkdir -p "$made"

say() { printf '\n== %s\n' "$*"; }

say "Data, in $QUIMBOT_WORKSPACE"
quimbot demo --workspace "$QUIMBOT_WORKSPACE" > "$QUIMBOT_WORKSPACE/demo.txt"
quimbot synth generate --count 240 --seed 1 --profile english-l2 --profile spanish-l2 --output "$made/l2.parquet"
quimbot synth generate --count 80 --seed 2 --profile spanish-heritage --output "$made/heritage.parquet"
quimbot ingest synthetic "$QUIMBOT_WORKSPACE/raw/synthetic" "$made/l2.parquet" "$made/heritage.parquet"
quimbot build "$here/stage1-mix.toml" --version 1.0.0
quimbot build "$here/stage2-mix.toml" --version 1.0.0

say "Stage 1"
quimbot train run "$here/stage1.toml"
say "Stage 2"
quimbot train run "$here/stage2.toml"

say "Evaluation of both"
quimbot eval tutor --most 40 --prompts 4 --tokens 32
quimbot eval tutor-heritage --most 40 --prompts 4 --tokens 32

say "Losses flow back to the data"
quimbot sql --version train-demo@1.0.0 @losses-by-move --param run=tutor
quimbot sql --version train-demo@1.0.0 @losses-worse --param run=tutor --param most=3

say "Export"
quimbot train export tutor-heritage

say "What it shows"
"${PYTHON:-python3}" "$here/shown.py" "$QUIMBOT_WORKSPACE"
