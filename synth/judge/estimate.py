"""What judging would ask and cost, before it does: nothing is sent, and what the cache answers is left out."""

from collections.abc import Sequence
from typing import Final

from quimbot_data.workspace import Workspace
from synth.cache import open_cache
from synth.judge.dialogues import Judged
from synth.judge.judging import Judge, job_key, turns_of
from synth.llm.estimate import Estimate, estimated
from synth.llm.generation import Asking
from synth.llm.request import Request

#: Tokens of an answer about a turn, and about a pair.
_WRITTEN: Final = {False: 420, True: 60}


def estimate(
    workspace: Workspace, work: Sequence[Judged] | Sequence[tuple[Judged, Judged]], asking: Asking
) -> Estimate:
    """What judging would take.

    Raises:
        InputError: a budget without a price.
        LockedError: another process judges by this model.
    """
    with open_cache(workspace, job_key(asking)) as cache:
        judge = Judge(asking.client(cache), asking)
        asked = [_requests(judge, each) for each in work]
        left = [[request for request in several if cache.find(request.key) is None] for several in asked]
    requests = [request for several in left for request in several]
    tokens = sum(_WRITTEN[isinstance(each, tuple)] * len(several) for each, several in zip(work, left, strict=True))
    finished = sum(not several for several in left)
    return estimated(asking, work=len(work), finished=finished, requests=requests, completion_tokens=tokens)


def _requests(judge: Judge, work: Judged | tuple[Judged, Judged]) -> list[Request]:
    if isinstance(work, tuple):
        return [judge.about_pair(*work), judge.about_pair(*work[::-1])]
    return [judge.about_turn(each) for each in turns_of([work])]
