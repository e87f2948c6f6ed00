"""From a version to an adapter: render, mask, interleave, pack, train, record; evaluation and export beside.

Reads versions that `quimbot build` made, and nothing else. Runs lie in `runs/<name>/` of the workspace:

    run.json            the record (`schemas.run.RunRecord`); written first as "running", last as "finished", and as
                        "interrupted" by what stopped and could still say so (`Workspace.run_status` tells of the rest)
    metrics.jsonl       one line an optimizer step: loss, loss per family, learning rate, tokens
    seen.parquet        one row a dialogue that the plan trains on: dialogue_id, family, first_step, times, tokens
    checkpoints/        `checkpoint-<step>`, as the trainer resumes from them
    adapter/            the trained adapter with tokenizer and chat template: what `PeftModel.from_pretrained` reads
    base/               only where stage 2 merged: the base with the stage-1 adapter merged in
    plots/              loss and loss per family, PNG
    losses/<version>/   losses by turn under base and adapter, Parquet, and `scored.json` (`quimbot train score`)
    evaluation/         report.md, plots, evaluation.json, replies (`quimbot eval`)
    export/             safetensors, GGUF, Modelfile, card, export.json (`quimbot train export`)

`runs/RUNLOG.md` has an entry for each.
"""
