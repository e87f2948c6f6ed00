"""Rows of the queries whose figures a card prints and plots; a class a query, its fields the query's columns."""

from typing import NamedTuple


class Build(NamedTuple):
    """What the version is called, and what built it."""

    ref: str
    id: str
    version: str
    title: str
    tokenizer: str
    tokenizer_sha256: str
    created: str | None
    language_detectors: str | None
    libraries: str | None
    sources: int
    """How many the recipe names."""


class Asked(NamedTuple):
    """What the recipe asks for, as far as a card's text names it."""

    recipe_json: str
    name: str
    size: int | None
    ngram: int
    threshold: float


class Rule(NamedTuple):
    """A line of the safety policy: of a `label` or `category` an action, of a `score` the least that counts."""

    kind: str
    name: str
    action: str | None
    score: float | None


class Totals(NamedTuple):
    """The version in all, in dialogues unless the name says otherwise."""

    dialogues: int
    messages: int
    tokens: int
    languages: int
    """How many different ones; the undetermined is none."""
    undetermined: int
    held_out: int
    """In languages that are held out whole."""
    comparable: int
    """Dialogues with a declared and a detected language."""
    agreeing: int
    clustered: int
    pedagogical: int
    derived: int
    no_transfer: int
    untrained_messages: int


class Component(NamedTuple):
    """A component of the mix, asked against got."""

    component: int
    family: str
    sources: list[str]
    weight: float
    max_epochs: int
    budget: int
    available: int
    dialogues: int
    tokens: int
    repeats: int
    shortfall: int


class Split(NamedTuple):
    """A split, also one without rows; `asked` is its share of the hash range."""

    split: str
    asked: float
    dialogues: int
    tokens: int


class Source(NamedTuple):
    """A source of the recipe, also one that gave no rows."""

    source: str
    title: str
    license: str
    terms: list[str]
    attribution: str
    url: str
    revision: str | None
    corpus_digest: str
    raw_rows: int
    dialogues: int
    tokens: int


class License(NamedTuple):
    """A licence among a source's dialogues."""

    source: str
    license: str
    dialogues: int


class LicenseTotal(NamedTuple):
    """A licence among all dialogues."""

    license: str
    dialogues: int


class Term(NamedTuple):
    """A licence term."""

    term: str
    dialogues: int


class Clearance(NamedTuple):
    """A clearance that let rows of unknown terms in."""

    source: str
    license: str
    cleared_by: str
    cleared_on: str
    reason: str


class Step(NamedTuple):
    """A line of the ledger."""

    source: str
    step: str
    unit: str
    rows_in: int
    rows_out: int
    reason: str | None
    rows: int


class Redaction(NamedTuple):
    """Dialogues of a source's corpus in which personal data of a kind was replaced."""

    source: str
    kind: str
    dialogues: int


class EvaluationSet(NamedTuple):
    """What an evaluation set met."""

    name: str
    digest: str
    items: int
    ngram: int
    exact: int
    boilerplate: int
    too_short: int
    items_hit: int
    dialogues_hit: int


class Plants(NamedTuple):
    """What a step made of the rows that were planted for it."""

    step: str
    kind: str
    asked: int
    originals: int
    planted: int
    found: int
    recall: float | None
    recall_low: float | None
    recall_high: float | None
    clean: int
    false_alarms: int
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    taken_before: int


class Language(NamedTuple):
    """A language, by its subtag."""

    language: str
    dialogues: int
    tokens: int


class OtherLanguages(NamedTuple):
    """The languages behind the most frequent ones, together."""

    languages: int
    dialogues: int
    tokens: int


class Length(NamedTuple):
    """Quantiles of one measure."""

    measure: str
    least: int
    p05: int
    p25: int
    p50: int
    p75: int
    p95: int
    p99: int
    most: int


class Bin(NamedTuple):
    """Dialogues whose length has `bits` binary digits: 2^(bits - 1) to 2^bits - 1, or 0 for none."""

    measure: str
    bits: int
    dialogues: int


class Safety(NamedTuple):
    """Safety of a source's dialogues."""

    source: str
    dialogues: int
    labelled: int
    flagged: int
    classifiers: list[str]
    with_untrained: int
    untrained_messages: int
    assistant_messages: int


class Label(NamedTuple):
    """A safety label or category (`kind`) of a source."""

    source: str
    kind: str
    name: str
    dialogues: int


class Derived(NamedTuple):
    """What made turns of a source's dialogues."""

    source: str
    made_by: str
    dialogues: int


class Measured(NamedTuple):
    """A measure of the annotated dialogues."""

    group: str
    name: str
    says: str
    value: float | None
    low: float | None
    high: float | None
    within: bool | None
    taken_of: int
    note: str
    annotated: int
    measured: int


class Recovery(NamedTuple):
    """What blind critics recovered of a profile's dialogues, over all files."""

    profile: str
    target: str
    """`strategy`, `level`, `background`, or `all`."""
    judged: int
    recovered: int


class Unjudged(NamedTuple):
    """Dialogues that no blind critic judged, over all files."""

    profile: str | None
    """Null where a file does not say."""
    reason: str
    dialogues: int
