"""Pushing: the Hub then holds the version and nothing else; what may not go is refused before anything is sent."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from conftest import files_below
from hub_standin import HubStandIn, etag
from versions_to_share import LAX, MIXED, OPEN, version_rows

from quimbot_data.hub import HubFiles, fetch
from quimbot_data.hub.push import Pushed, push
from quimbot_data.takedowns.request import add
from quimbot_data.takedowns.resolve import Request
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import FetchError, GatedError, IntegrityError, LockedError, MissingError, PushError, TermsError

pytestmark = pytest.mark.slow  # whole workspaces and commands, many times over

REPO = "quimbot/open"
TOKEN = "hf_not_a_real_token"
CLEARED = "Ada of Legal, the agreement of 3 May covers our own storage"


@pytest.fixture(autouse=True)
def signed_in(hub: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.tokens = {TOKEN}
    hub.writers = {TOKEN}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the library would have waited between its own tries."""
    from huggingface_hub.utils import _http

    waited: list[float] = []
    monkeypatch.setattr(_http.time, "sleep", waited.append)
    return waited


def held(hub: HubStandIn, repo: str = REPO) -> dict[str, bytes]:
    found = hub.repos[repo]
    return found.commits[found.branches["main"]]


def version_bytes(workspace: Workspace, ref: Ref = OPEN) -> dict[str, bytes]:
    return files_below(workspace.version(ref))


def routes(hub: HubStandIn, route: str) -> list[str]:
    return [oid for name, oid in hub.pushed if name == route]


def nothing_sent(hub: HubStandIn) -> bool:
    return hub.pushed == [] and hub.objects == {}


# What arrives


def test_the_repository_holds_the_version_and_nothing_else(hub, to_share):
    pushed = push(to_share, OPEN, REPO)
    files = version_bytes(to_share)
    assert held(hub) == files | {".gitattributes": held(hub)[".gitattributes"]}
    assert hub.repos[REPO].private
    assert (pushed.created, pushed.private, pushed.removed, pushed.unchanged) == (True, True, (), 0)
    assert set(pushed.sent) == set(files)
    assert {"README.md", "manifest.json", "fates.parquet", "documents.json", "plots/mix.png"} <= set(files)
    assert not [path for path in files if "rejected" in path]
    assert pushed.bytes_sent == sum(map(len, files.values()))
    assert pushed.url == f"{hub.url}/datasets/{REPO}"
    manifest = to_share.version_manifest(OPEN)
    assert hub.repos[REPO].messages == [f"open@1.0.0, id {manifest.id[:16]}"]
    assert pushed.commit == hub.repos[REPO].branches["main"]


@pytest.mark.filterwarnings("default")
def test_what_was_pushed_loads_as_the_version(hub, to_share, tmp_path, monkeypatch):
    push(to_share, OPEN, REPO)
    fetch(HubFiles(REPO, ("*",)), tmp_path / "fetched")
    rows = version_rows(to_share, OPEN)
    (tmp_path / "fetched" / "fetched.json").unlink()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    found = datasets.load_dataset(str(tmp_path / "fetched"), cache_dir=str(tmp_path / "cache"))
    read_back = pl.concat(
        [pl.from_arrow(part.data.table).with_columns(split=pl.lit(name)) for name, part in found.items()]
    )
    same = ["dialogue_id", "split", "content_hash", "messages"]
    assert read_back.select(same).sort("dialogue_id").equals(rows.select(same).sort("dialogue_id"))


def test_what_was_pushed_is_a_version_that_verifies(hub, to_share, tmp_path):
    push(to_share, OPEN, REPO)
    copy = Workspace(tmp_path / "copy")
    fetch(HubFiles(REPO, ("[!.]*",)), copy.version(OPEN))
    (copy.version(OPEN) / "fetched.json").unlink()
    assert [line for line in verify(copy, OPEN) if not line.startswith(".")] == []


def test_what_the_hub_warns_of_is_told(hub, to_share):
    told: list[str] = []
    hub.doubts = ["the licence is not one of\n the Hub's"]
    push(to_share, OPEN, REPO, tell=told.append)
    assert [line for line in told if line.endswith("the licence is not one of the Hub's")]


def test_a_second_push_sends_nothing_and_makes_no_commit(hub, to_share):
    first = push(to_share, OPEN, REPO)
    hub.pushed.clear()
    again = push(to_share, OPEN, REPO)
    assert (again.sent, again.removed, again.created) == ((), (), False)
    assert again.commit == first.commit
    assert again.unchanged == len(version_bytes(to_share))
    assert hub.pushed == []
    assert len(hub.repos[REPO].messages) == 1


def test_another_version_leaves_nothing_of_the_one_before(hub, to_share):
    push(to_share, OPEN, REPO)
    repo = hub.repos[REPO]
    before = held(hub)
    stale = {"data/train-00007-of-00008.parquet": b"old", "plots/old.png": b"old", "audit.json": b"{}"}
    repo.commit(before | stale | {"LICENSE": b"theirs", "README.md": b"---\nlicense: mit\nconfigs: []\n---\nold"})
    pushed = push(to_share, OPEN, REPO)
    assert pushed.sent == ("README.md",)
    assert set(pushed.removed) == set(stale)
    assert held(hub) == before | {"LICENSE": b"theirs"}
    assert b"license: mit" not in held(hub)["README.md"], "the header is written anew, not merged"


def test_a_stale_header_is_written_anew_before_the_push(hub, to_share):
    folder = to_share.version(OPEN)
    card = (folder / "README.md").read_text("utf-8")
    (folder / "README.md").write_text(card.replace("size_categories", "size_classes"), "utf-8")
    seal_documents(folder)
    assert verify(to_share, OPEN) == []
    push(to_share, OPEN, REPO)
    assert held(hub)["README.md"].decode() == card
    assert verify(to_share, OPEN) == []


def seal_documents(folder: Path) -> None:
    """Make `documents.json` agree with the documents, as an older package would have left them."""
    from quimbot_data.workspace import file_digest

    listed = json.loads((folder / "documents.json").read_text("utf-8"))["files"]
    files = {path: file_digest(folder / path) for path in listed}
    (folder / "documents.json").write_text(json.dumps({"files": files}), "utf-8")


# What may not go


def test_no_transfer_rows_go_nowhere(hub, to_share):
    for private in (None, True, False):
        with pytest.raises(
            TermsError, match=r"may not leave the workspace \(no-transfer: 40 of lmsys\).*redistributable"
        ):
            push(to_share, MIXED, REPO, private=private)
    assert nothing_sent(hub)
    assert hub.log == []


def test_cleared_no_transfer_rows_go_to_a_private_repository_and_the_record_says_who(hub, to_share):
    push(to_share, MIXED, "quimbot/mixed", cleared=CLEARED)
    (entry,) = to_share.version_manifest(MIXED).record["transfers"]
    assert entry == {"to": "quimbot/mixed", "cleared": CLEARED, "at": entry["at"], "dialogues": {"lmsys": 40}}
    assert json.loads(held(hub, "quimbot/mixed")["manifest.json"])["record"]["transfers"] == [entry]
    assert verify(to_share, MIXED) == []
    again = push(to_share, MIXED, "quimbot/mixed", cleared=CLEARED)
    assert again.sent == ()
    assert to_share.version_manifest(MIXED).record["transfers"] == [entry]


def test_clearance_does_not_make_them_public(hub, to_share):
    before = version_bytes(to_share, MIXED)
    with pytest.raises(TermsError, match="may not leave"):
        push(to_share, MIXED, REPO, private=False, cleared=CLEARED)
    hub.repo(REPO, {".gitattributes": b""})
    with pytest.raises(TermsError, match="may not leave"):
        push(to_share, MIXED, REPO, cleared=CLEARED)
    assert nothing_sent(hub)
    assert version_bytes(to_share, MIXED) == before


@pytest.mark.parametrize("cleared", ["", "Ada", "Ada, ", ", because"])
def test_a_clearance_says_who_and_why(hub, to_share, cleared):
    with pytest.raises(TermsError, match=r'written "WHO, why"'):
        push(to_share, MIXED, REPO, cleared=cleared)
    assert hub.log == []


def test_rows_that_a_profile_forbids(hub, to_share):
    with pytest.raises(
        TermsError, match=r"research forbids 30 dialogues of mixed@1\.0\.0 \(unknown: 30 of openhermes\)"
    ):
        push(to_share, MIXED, REPO, profile="research", cleared=CLEARED)
    assert nothing_sent(hub)
    assert "transfers" not in to_share.version_manifest(MIXED).record


def test_a_public_repository_asks_for_rows_that_anybody_may_have(hub, to_share):
    with pytest.raises(
        TermsError, match=r"profile redistributable forbids 30 dialogues of lax@1\.0\.0.*private repository"
    ):
        push(to_share, LAX, REPO, private=False)
    hub.repo("quimbot/old", {".gitattributes": b""})
    with pytest.raises(TermsError, match="redistributable forbids"):
        push(to_share, LAX, "quimbot/old")
    assert nothing_sent(hub)
    assert push(to_share, LAX, "quimbot/ours").private
    assert not push(to_share, LAX, REPO, private=False, profile="private").private, "that is to be said"
    assert not push(to_share, OPEN, "quimbot/new", private=False).private


# The repository


def test_a_repository_of_the_other_visibility(hub, to_share):
    hub.repo(REPO, {".gitattributes": b""})
    with pytest.raises(PushError, match=r"quimbot/open is public\..*leave --private out"):
        push(to_share, OPEN, REPO, private=True)
    hub.repos[REPO].private = True
    with pytest.raises(PushError, match=r"is private\..*leave --public out"):
        push(to_share, OPEN, REPO, private=False)
    assert nothing_sent(hub)
    assert push(to_share, OPEN, REPO).private


def test_another_data_set_is_not_overwritten(hub, to_share):
    hub.repo(REPO, {"README.md": b"# Theirs", "data/train-00000-of-00001.parquet": b"theirs"})
    with pytest.raises(PushError, match=r"holds another data set: data/train-00000.*"):
        push(to_share, OPEN, REPO)
    assert nothing_sent(hub)


@pytest.mark.parametrize("name", ["open", "", "a/b/c", "../x", "a b/c", "https://huggingface.co/datasets/a/b", "-/x"])
def test_what_is_no_repository_name(hub, to_share, name):
    with pytest.raises(PushError, match="OWNER/NAME"):
        push(to_share, OPEN, name)
    assert hub.log == []


# The version


def test_a_broken_version_is_not_pushed(hub, to_share):
    path = to_share.version(OPEN) / "README.md"
    path.write_text(path.read_text("utf-8") + "more", "utf-8")
    with pytest.raises(IntegrityError, match=r"not pushed: README\.md: its bytes differ.*quimbot verify open@1\.0\.0"):
        push(to_share, OPEN, REPO)
    assert hub.log == []


def test_a_version_that_holds_what_was_taken_down_is_not_pushed(hub, to_share):
    row = version_rows(to_share, OPEN)["dialogue_id"][0]
    add(to_share, Request([row], [], []), "its author asked", "Ana")
    with pytest.raises(TermsError, match=r"taken down \(td-.*quimbot build open@1.0.0 --version 1.0.1"):
        push(to_share, OPEN, REPO)
    assert nothing_sent(hub)


def test_no_such_version_and_one_that_is_being_written(hub, to_share):
    with pytest.raises(MissingError):
        push(to_share, Ref("open", "9.9.9"), REPO)
    with to_share.lock("version", "open", "1.0.0"), pytest.raises(LockedError):
        push(to_share, OPEN, REPO)
    assert hub.log == []


# Tokens


def test_without_a_token(hub, to_share, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(GatedError, match=r"no token.*may write.*HF_TOKEN"):
        push(to_share, OPEN, REPO)
    assert hub.log == []


def test_a_refused_token(hub, to_share, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    with pytest.raises(GatedError, match=r"refused the token: quimbot/open \(401\)") as caught:
        push(to_share, OPEN, REPO)
    assert "hf_expired" not in str(caught.value)
    assert nothing_sent(hub)


def test_a_token_that_may_not_write(hub, to_share):
    hub.writers = set()
    with pytest.raises(GatedError, match=r"does not let this token write there: quimbot/open \(403\)"):
        push(to_share, OPEN, REPO)
    hub.repo(REPO, {".gitattributes": b""}).private = True
    with pytest.raises(GatedError, match="does not let this token write"):
        push(to_share, OPEN, REPO)
    assert (hub.objects, hub.repos[REPO].messages) == ({}, [])


@pytest.mark.parametrize(("status", "words"), [(404, r"knows no quimbot/open \(404\)"), (413, "answered 413")])
def test_what_the_hub_refuses_is_not_asked_again(hub, to_share, status, words):
    hub.troubles["create"] = [status]
    with pytest.raises(PushError, match=words):
        push(to_share, OPEN, REPO, sleep=lambda _: pytest.fail("it would not pass"))


def test_the_token_stays_out_of_files_and_away_from_the_store(hub, to_share):
    push(to_share, OPEN, REPO)
    assert not any(TOKEN.encode() in data for data in held(hub).values())
    puts = [served for served in hub.log if served.method == "PUT"]
    assert puts
    assert not any(served.token for served in puts)


# Trouble


def test_a_file_that_fails_is_sent_again(hub, to_share, waits):
    hub.troubles["put"] = [503, "cut", 503]
    push(to_share, OPEN, REPO)
    assert version_bytes(to_share).items() <= held(hub).items()
    assert len(waits) == 3


@pytest.mark.parametrize("trouble", [503, 429, 502, "cut", "lost"])
def test_a_commit_that_fails_is_made_again(hub, to_share, trouble):
    waited: list[float] = []
    told: list[str] = []
    hub.troubles["commit"] = [trouble]
    pushed = push(to_share, OPEN, REPO, sleep=waited.append, tell=told.append)
    assert version_bytes(to_share).items() <= held(hub).items()
    assert pushed.commit == hub.repos[REPO].branches["main"]
    assert len(hub.repos[REPO].messages) == 1, "one commit, also where its answer was lost"
    assert waited == [1.0]
    assert any("trying again in 1 s" in line for line in told)
    puts = routes(hub, "put")
    assert len(puts) == len(set(puts)), "no file went twice"


def test_tries_end_and_the_next_push_sends_only_what_is_missing(hub, to_share):
    waited: list[float] = []
    hub.troubles["commit"] = [503] * 5
    with pytest.raises(PushError, match=r"answered 503 for quimbot/open\. Run the same command again"):
        push(to_share, OPEN, REPO, sleep=waited.append)
    assert waited == [1.0, 2.0, 4.0, 8.0]
    assert hub.repos[REPO].messages == []
    first = routes(hub, "put")
    hub.pushed.clear()
    pushed = push(to_share, OPEN, REPO)
    assert first
    assert routes(hub, "put") == []
    assert version_bytes(to_share).items() <= held(hub).items()
    assert pushed.commit == hub.repos[REPO].branches["main"]


def test_a_file_that_never_goes_leaves_the_others_there(hub, to_share, waits):
    hub.troubles["put"] = [403]
    with pytest.raises(GatedError):
        push(to_share, OPEN, REPO)
    there = set(hub.objects)
    assert there
    assert hub.repos[REPO].messages == []
    hub.pushed.clear()
    push(to_share, OPEN, REPO)
    assert there.isdisjoint(routes(hub, "put"))
    assert there | set(routes(hub, "put")) == set(hub.objects)


def test_somebody_elses_commit_is_not_overwritten(hub, to_share):
    push(to_share, OPEN, REPO)
    repo = hub.repos[REPO]
    repo.commit(held(hub) | {"README.md": b"# Mended by hand"})

    def meanwhile(_: float) -> None:
        repo.commit(held(hub) | {"notes.txt": b"by somebody else"})

    hub.troubles["commit"] = [503]
    with pytest.raises(PushError, match="changed by somebody else while this push ran"):
        push(to_share, OPEN, REPO, sleep=meanwhile)
    assert held(hub)["README.md"] == b"# Mended by hand"


def test_a_commit_that_comes_between_is_refused_by_its_parent(hub, to_share, monkeypatch):
    """The Hub itself sees that the parent is no longer the head."""
    push(to_share, OPEN, REPO)
    repo = hub.repos[REPO]
    repo.commit(held(hub) | {"README.md": b"# Mended by hand"})
    from quimbot_data.hub import commit

    send = commit._send

    def late(*asked):
        repo.commit(held(hub) | {"notes.txt": b"by somebody else"})
        return send(*asked)

    monkeypatch.setattr(commit, "_send", late)
    with pytest.raises(PushError, match="changed by somebody else"):
        push(to_share, OPEN, REPO, sleep=lambda _: None)
    assert held(hub)["README.md"] == b"# Mended by hand"
    assert held(hub)["notes.txt"] == b"by somebody else"


def test_a_file_that_the_repository_ignores_is_missed(hub, to_share):
    hub.ignored = {"manifest.json"}
    with pytest.raises(PushError, match=r"does not hold manifest\.json after the commit.*\.gitignore"):
        push(to_share, OPEN, REPO)


def test_an_unreachable_hub_and_one_that_is_none(hub, to_share, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(
            "hub_standin._Handler.answer_json", lambda self, _: self.answer("", 200, b"<html>Sign in</html>", {})
        )
        with pytest.raises(FetchError, match="does not answer as a Hub does"):
            push(to_share, OPEN, REPO, sleep=lambda _: None)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    waited: list[float] = []
    with pytest.raises(PushError, match=r"connection to the Hub at http://127\.0\.0\.1:9 failed"):
        push(to_share, OPEN, REPO, sleep=waited.append)
    assert waited == [1.0, 2.0, 4.0, 8.0]


CHILD = """
import sys
from pathlib import Path
from quimbot_data.hub.push import push
from quimbot_data.workspace import Ref, Workspace
push(Workspace(Path(sys.argv[1])), Ref("open", "1.0.0"), sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_push_is_finished_by_the_next(hub, to_share, tmp_path, ending):
    hub.troubles["commit"] = ["stall"]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(to_share.root), REPO],
        env=os.environ | {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HOME": str(tmp_path / "home")},
        stderr=subprocess.PIPE,
    )
    assert hub.stalled.wait(30)
    child.send_signal(ending)
    child.communicate(timeout=20)
    hub.released.set()
    assert child.returncode != 0
    assert hub.repos[REPO].messages == []
    there = set(routes(hub, "put"))
    assert there == {etag(data) for data in version_bytes(to_share).values() if len(data) >= 1024}
    hub.pushed.clear()
    push(to_share, OPEN, REPO)
    assert routes(hub, "put") == []
    assert version_bytes(to_share).items() <= held(hub).items()


# The command


def test_the_command_tells_and_repeats(quimbot, hub, to_share):
    place = ("-w", to_share.root)
    ran = quimbot("push", OPEN, REPO, "--message", "First release", *place)
    assert ran.code == 0, ran.err
    assert f"open@1.0.0 is at {hub.url}/datasets/{REPO} (private)" in ran.out
    assert hub.repos[REPO].messages == ["First release"]
    assert len(ran.err.splitlines()) == 1
    assert "Sending" in ran.err
    again = quimbot("push", OPEN, REPO, *place)
    assert (again.code, again.err) == (0, "")
    assert "is there already" in again.out
    told = json.loads(quimbot("push", OPEN, REPO, "--json", *place).out)
    assert set(told) == set(Pushed.model_fields)
    assert told["sent"] == []


def test_the_commands_errors_are_one_line(quimbot, hub, to_share):
    place = ("-w", to_share.root)
    quimbot("push", MIXED, REPO, *place).told("may not leave the workspace", "--allow-transfer")
    quimbot("push", OPEN, "open", *place).told("OWNER/NAME")
    quimbot("push", OPEN, REPO, "--public", "--allow-transfer", "me", *place).told("WHO, why")
    hub.tokens = set()
    quimbot("push", OPEN, REPO, *place).told("refused the token")
    assert quimbot("push", OPEN, *place).code == 2


def test_the_command_pushes_publicly_when_asked(quimbot, hub, to_share):
    assert quimbot("push", OPEN, REPO, "--public", "-w", to_share.root).code == 0
    assert not hub.repos[REPO].private
