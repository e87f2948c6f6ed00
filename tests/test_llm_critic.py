"""Critics in a process of their own find what critics find here, in the order asked, and end with whoever asked."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence

from quimbot_data.pedagogy.critics import check
from quimbot_data.pedagogy.invariants import Failure
from synth.llm.critic import HERE, MANY, critics_for


def said(tutor: str) -> dict[str, object]:
    texts = ["Yesterday I go home.", tutor, "I went home.", "How nice, what did you do there?"]
    roles = ["user", "assistant"] * 2
    messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
    return {"language": "en", "messages": messages}


DIALOGUES = [said(text) for text in ("When was that?", "That is wrong.", "What? Why? Who?", "Sí, “así”…")]


def test_a_process_of_its_own_finds_the_same() -> None:
    async def run(dialogues: int) -> list[Sequence[Failure]]:
        async with critics_for(dialogues) as critics:
            assert (critics is HERE) == (dialogues < MANY)
            critics.warm(DIALOGUES[0])
            early = await asyncio.gather(*map(critics.check, DIALOGUES))
            await asyncio.sleep(0 if critics is HERE else 4)  # it is up
            late = await asyncio.gather(*map(critics.check, DIALOGUES))
            assert early == late
            return list(late)

    expected = [check(each) for each in DIALOGUES]
    assert [bool(failures) for failures in expected] == [False, True, True, False]
    assert asyncio.run(run(MANY - 1)) == expected
    assert asyncio.run(run(MANY)) == expected


def test_it_answers_line_by_line_and_ends_with_its_input() -> None:
    lines = "".join(json.dumps(each) + "\n" for each in DIALOGUES)
    command = [sys.executable, "-m", "synth.llm.critic"]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    answers: list[list[Mapping[str, object]]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert [len(answer) for answer in answers] == [len(check(each)) for each in DIALOGUES]
