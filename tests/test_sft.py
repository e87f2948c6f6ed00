"""What TRL is given and what it makes of it: packed rows are their dialogues, and no learner's word enters the loss."""

import logging
from pathlib import Path

import polars as pl
import pytest
import torch
from tiny_qwen import qwen

from schemas.training import Optimization, TrainRecipe
from train.data import Trainable, tokenize, trainable
from train.models import load_base
from train.render import IGNORED

#: TRL and transformers use names of each other's that they renamed.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")
FAMILIES = ["conversation", "pedagogical"]
SENTINEL, OTHER = " banana", " guitar"
#: How far packed and unpacked may differ, in nats a token.
NEAR = 1e-5


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def said(sentinel: str, answers: list[str]) -> Trainable:
    """A dialogue an answer: the learner says the sentinel twice."""
    rows = [
        {
            "dialogue_id": f"d:{at}",
            "source": "d",
            "family": FAMILIES[at % 2],
            "language": "en",
            "messages": [
                {"role": "user", "content": f"I say{sentinel} to number {at}{sentinel}"},
                {"role": "assistant", "content": answer},
                {"role": "user", "content": f"And{sentinel}?"},
                {"role": "assistant", "content": f"{answer} again"},
            ],
            "untrained": [3] if at == 2 else [],
        }
        for at, answer in enumerate(answers)
    ]
    return trainable(tokenize(pl.DataFrame(rows), qwen()), 512)


ANSWERS = ["You said it!", "What did you see there?", "Nice", "Which one sounds better to you, and why?"]


@pytest.fixture(scope="module")
def looking_back(tmp_path_factory) -> Path:
    """A random Mistral, every layer of which sees the last eight tokens alone."""
    from transformers import MistralConfig, MistralForCausalLM

    config = MistralConfig(
        **{"vocab_size": 151_936, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "head_dim": 8},
        **{"num_attention_heads": 2, "num_key_value_heads": 1, "sliding_window": 8, "tie_word_embeddings": True},
    )
    torch.manual_seed(0)
    folder: Path = tmp_path_factory.mktemp("mistral")
    MistralForCausalLM(config).save_pretrained(folder)
    return folder


def trainer_of(base: Path, rows, folder: Path, batch: int = 2, rows_at_once: int = 1, told=None, scale: float = 1.0):
    from train.sft import Job, _trainer

    recipe = TrainRecipe(
        name="t",
        version="v@1.0.0",
        base=str(base),
        optimization=Optimization(batch=batch, rows_at_once=rows_at_once, max_length=512, learning_rate=1e-2),
        checkpoint_every=100,
    )
    model = load_base(str(base))
    with torch.no_grad():  # a model of small random weights hardly looks at what came before
        for weights in model.parameters():
            weights.mul_(scale)
    job = Job(qwen(), rows, FAMILIES, recipe, 1, folder, "cpu", bf16=False)
    return _trainer(model, job, (told if told is not None else []).append)


def losses_of(trainer, batch) -> torch.Tensor:
    """Loss of each trained token, in order."""
    batch.pop("families")
    batch.pop("seq_lengths", None)
    with torch.no_grad():
        output = trainer.model(**batch, fused_lm_head=True)
    return -output.log_probs[output.label_mask]


def test_packed_rows_lose_what_their_dialogues_lose_alone(tiny_base, tmp_path):
    from train.sft import dataset_of

    data = said(SENTINEL, ANSWERS)
    packed, alone = (dataset_of(data, rows, FAMILIES) for rows in ([[2, 0, 3, 1]], [[2], [0], [3], [1]]))
    trainer = trainer_of(tiny_base, packed, tmp_path, scale=12.0)
    together = losses_of(trainer, trainer.data_collator([packed[0]]))
    single = torch.cat([losses_of(trainer, trainer.data_collator([alone[at]])) for at in range(4)])
    assert together.shape == single.shape
    assert len(together) == int((data.labels != IGNORED).sum())
    assert (together - single).abs().max() <= NEAR
    both = losses_of(trainer, trainer.data_collator([alone[at] for at in range(4)]))
    assert (both - single).abs().max() <= NEAR, "several rows at once too"
    mixed = trainer.data_collator([packed[0]])
    mixed["position_ids"] = torch.arange(mixed["input_ids"].shape[1])[None]
    for name in [name for name in mixed if name.startswith(("cu_seq", "max_length", "seq_idx"))]:
        del mixed[name]
    assert (losses_of(trainer, mixed) - single).abs().max() > 0.01, "dialogues that look at each other would show"


def test_likewise_where_a_layer_looks_back_a_limited_way(looking_back, tmp_path):
    from train.sft import dataset_of

    data = said(SENTINEL, ANSWERS)
    packed, alone = (dataset_of(data, rows, FAMILIES) for rows in ([[2, 0, 3, 1]], [[2], [0], [3], [1]]))
    trainer = trainer_of(looking_back, packed, tmp_path, scale=6.0)
    together, single = (
        torch.cat([losses_of(trainer, trainer.data_collator([row])) for row in rows]) for rows in (packed, alone)
    )
    assert (together - single).abs().max() <= NEAR
    trainer.model.get_base_model().config.sliding_window = None
    whole = losses_of(trainer, trainer.data_collator([packed[0]]))
    assert (whole - together).abs().max() > 0.01, "looking back all the way would show"


def test_the_head_is_cross_entropy_where_it_is_trained_on(tiny_base):
    """Log-probabilities, their gradient, and what TRL logs: as all logits would give them."""
    from train.head import score_trained_only

    model = load_base(str(tiny_base)).requires_grad_(requires_grad=False)
    ids = torch.arange(300)[None] * 7
    labels = torch.where(torch.arange(300)[None] % 3 > 0, ids, IGNORED)
    embedded = (model.get_input_embeddings()(ids) * 50).requires_grad_()
    logs = model(inputs_embeds=embedded).logits[:, :-1].log_softmax(-1)
    score_trained_only(model)
    scored, trained = model(inputs_embeds=embedded, labels=labels, fused_lm_head=True), labels[:, 1:] != IGNORED
    expected = logs.gather(-1, ids[:, 1:, None])[..., 0].masked_fill(~trained, 0)
    assert torch.equal(scored.label_mask, trained)
    assert (scored.log_probs - expected).abs().max() <= NEAR
    assert (scored.entropy[trained] + (logs * logs.exp()).sum(-1)[trained]).abs().max() <= NEAR
    assert torch.equal(scored.is_top1, (logs.argmax(-1) == ids[:, 1:]) & trained)
    weights = torch.linspace(0.5, 1.5, 299)  # a dialogue's tokens need not weigh the same
    ours, theirs = (torch.autograd.grad((each * weights).sum(), embedded)[0] for each in (scored.log_probs, expected))
    assert torch.allclose(ours, theirs, atol=1e-4 * theirs.abs().max().item())
    assert model(input_ids=ids[:, :5]).logits.shape[1] == 5, "who asks for logits gets them"


def test_the_collator_reads_what_it_is_given():
    """TRL's own, as sft.py relies on it: labels and lengths are taken, positions start anew where a dialogue does."""
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    collate = DataCollatorForLanguageModeling(pad_token_id=9, padding_free=True)
    rows = [
        {"input_ids": [1, 2, 3, 4], "labels": [1, IGNORED, 3, IGNORED], "seq_lengths": [3, 1]},
        {"input_ids": [5, 6], "labels": [5, 6], "seq_lengths": [2]},
    ]
    batch = collate(rows)
    assert batch["input_ids"].tolist() == [[1, 2, 3, 4, 5, 6]]
    assert batch["labels"].tolist() == [[IGNORED, IGNORED, 3, IGNORED, IGNORED, 6]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 0, 1]]
    assert batch["cu_seq_lens_q"].tolist() == [0, 3, 4, 6]
    assert "attention_mask" not in batch


def test_a_sentinel_in_every_learners_turn_never_enters_the_loss(tiny_base, tmp_path):
    from train.sft import dataset_of

    data, rows = said(SENTINEL, ANSWERS), [[0, 1], [2, 3]]
    (sentinel,) = qwen().encode(SENTINEL)
    (other,) = qwen().encode(OTHER)
    assert (data.ids == sentinel).sum() == 3 * len(ANSWERS)
    assert sentinel not in data.labels
    # The same words are read, and others would have to be said: what is not trained on makes no difference.
    planted = said(OTHER, ANSWERS)
    assert len(planted.ids) == len(data.ids)
    as_target = Trainable(
        data.dialogues, data.ids, planted.labels, data.offsets, data.cut, data.too_long, data.untrained
    )
    assert other not in as_target.labels
    answered = said(SENTINEL, ["You said so!", *ANSWERS[1:]])
    changed = Trainable(data.dialogues, data.ids, answered.labels, data.offsets, 0, 0, 0)
    losses = []
    for each in (data, as_target, changed):
        trainer = trainer_of(tiny_base, dataset_of(each, rows, FAMILIES), tmp_path)
        batch = trainer.data_collator(trainer.train_dataset.to_list())
        losses.append(losses_of(trainer, batch))
    assert torch.equal(losses[0], losses[1])
    assert not torch.equal(losses[0], losses[2]), "a tutor's word as another target would"


def test_the_loss_is_a_mean_over_the_trained_tokens_of_the_batch(tiny_base, tmp_path):
    """Whatever the rows a forward pass; and it is told by family."""
    from train.sft import dataset_of

    data, told = said(SENTINEL, ANSWERS), {}
    for rows_at_once in (1, 2):
        rows, told[rows_at_once] = dataset_of(data, [[0, 1, 2], [3]], FAMILIES), []
        trainer = trainer_of(tiny_base, rows, tmp_path / str(rows_at_once), 2, rows_at_once, told[rows_at_once])
        trainer.train()
    (one,), (two,) = told[1], told[2]
    assert one.loss == pytest.approx(two.loss, abs=1e-6)
    assert one.trained == two.trained
    assert sum(one.trained.values()) == int((data.labels != IGNORED).sum())
    whole = sum(one.losses[family] * one.trained[family] for family in FAMILIES) / sum(one.trained.values())
    assert one.loss == pytest.approx(whole, abs=1e-5)
    of = data.dialogues.group_by("family").agg(pl.col("trained_tokens").sum()).sort("family")
    assert one.trained == dict(of.iter_rows())


def test_trackers_are_trls_own(tiny_base, tmp_path):
    from train.sft import Job, _arguments, dataset_of

    recipe = TrainRecipe(name="t", version="v@1.0.0", base=str(tiny_base), report_to=["tensorboard"])
    rows = dataset_of(said(SENTINEL, ANSWERS), [[0]], FAMILIES)
    job = Job(qwen(), rows, FAMILIES, recipe, 1, tmp_path / "run" / "checkpoints", "cpu", bf16=False)
    assert (_arguments(job).report_to, _arguments(job).run_name) == (["tensorboard"], "run")


def test_rows_are_read_in_their_order(tiny_base, tmp_path):
    from train.sft import dataset_of

    data = said(SENTINEL, ANSWERS)
    trainer = trainer_of(tiny_base, dataset_of(data, [[3], [1], [0], [2]], FAMILIES), tmp_path)
    read = [batch["input_ids"][0].tolist() for batch in trainer.get_train_dataloader()]
    assert read == [data.row([at])[0].tolist() for at in (3, 1, 0, 2)]


@pytest.fixture(autouse=True)
def loud_again():
    yield
    logging.getLogger("trl").setLevel(logging.NOTSET)
