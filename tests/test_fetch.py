import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_standin import Fault, HubStandIn

from quimbot_data.hub import FetchProgress, HubFiles, fetch, trouble
from quimbot_data.hub.columns import read_footer, spans
from quimbot_data.hub.raw_folder import fetched
from quimbot_data.workspace import Workspace
from schemas.errors import FetchError, GatedError, IntegrityError, LockedError, WorkspaceError

REPO = "makers/talks"
CHATS = HubFiles(REPO, ("data/*.parquet",))
TEXT = ("id", "transcription", "text", "language")
TALKS = HubFiles("makers/recordings", ("data/*/*.parquet",), columns=TEXT)
TOKEN = "hf_not_a_real_token"


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


FILES = {
    "README.md": b"# Talks\n",
    "data/a.parquet": noise(300_000, 1),
    "data/b.parquet": noise(200_000, 2),
    "data/small.parquet": b"too small for large-file storage",
    "images/one.png": noise(5_000, 4),
}


def recordings(rows: int, seed: int, text: str = "transcription") -> bytes:
    """A Parquet file as WAXAL's: a little text, before and after much sound."""
    table = pa.table(
        {
            "id": [f"clip-{seed}-{row}" for row in range(rows)],
            text: [f"Sentence number {row} of file {seed}." for row in range(rows)],
            "audio": [{"bytes": noise(60_000, seed * 1000 + row), "path": f"{row}.wav"} for row in range(rows)],
            "language": ["lug"] * rows,
        }
    ).replace_schema_metadata({"huggingface": '{"info": {"features": {"audio": {"_type": "Audio"}}}}'})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=20, compression="none")
    return sink.getvalue().to_pybytes()


@pytest.fixture(scope="module")
def clips() -> dict[str, bytes]:
    return {"data/ASR/lug-train-00000.parquet": recordings(50, 1), "data/TTS/lug.parquet": recordings(30, 2, "text")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "raw" / "talks"


def held(folder: Path) -> dict[str, bytes]:
    """What a reader of the folder sees: no hidden files."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {path: data for path, data in found.items() if not path.startswith(".")}


def matching(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if path.startswith("data/")}


def without_record(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if path != "fetched.json"}


def test_whole_files_that_match_and_a_record(hub: HubStandIn, folder: Path) -> None:
    repo = hub.repo(REPO, FILES)
    told: list[FetchProgress] = []
    report = fetch(CHATS, folder, progress=told.append)
    assert without_record(held(folder)) == matching(FILES)
    assert {served.path for served in hub.bodies()} == set(matching(FILES))
    assert report.holds == fetched(folder)
    assert report.holds.revision == repo.branches["main"]
    assert [(f.path, f.bytes) for f in report.holds.files] == [(p, len(d)) for p, d in sorted(matching(FILES).items())]
    assert (
        report.bytes_received == sum(served.sent for served in hub.bodies()) == sum(map(len, matching(FILES).values()))
    )
    assert [(t.path, t.number, t.files, t.received, t.size) for t in told][-1] == ("data/small.parquet", 3, 3, 32, 32)
    assert not (folder / ".fetching").exists()


def test_a_second_run_downloads_nothing(hub: HubStandIn, folder: Path) -> None:
    hub.repo(REPO, FILES)
    fetch(CHATS, folder)
    before, times = held(folder), {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    hub.log.clear()
    report = fetch(CHATS, folder)
    assert hub.bodies() == []
    assert report.skipped == tuple(sorted(matching(FILES)))
    assert (report.new, report.bytes_received) == ((), 0)
    assert held(folder) == before
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")} == times


def test_a_damaged_file_is_fetched_again(hub: HubStandIn, folder: Path) -> None:
    hub.repo(REPO, FILES)
    fetch(CHATS, folder)
    data = bytearray(FILES["data/a.parquet"])
    data[1000] ^= 1
    (folder / "data/a.parquet").write_bytes(data)
    assert fetch(CHATS, folder).new == ("data/a.parquet",)
    assert without_record(held(folder)) == matching(FILES)


def test_a_cut_connection_resumes_by_range(hub: HubStandIn, folder: Path) -> None:
    size, chunk = 24_000_000, 10 * 2**20  # the library writes, and so resumes, by 10 MiB
    files = {"data/large.parquet": noise(size, 5)}
    hub.repo(REPO, files)
    hub.faults["data/large.parquet"] = Fault("close", after=15_000_000)
    report = fetch(CHATS, folder)
    first, second = hub.bodies("data/large.parquet")
    assert (first.range, first.sent) == (None, 15_000_000)
    assert (second.range, second.status, second.sent) == (f"bytes={chunk}-", 206, size - chunk)
    assert report.bytes_received == size
    assert without_record(held(folder)) == files


def test_a_reset_connection_is_tried_again(hub: HubStandIn, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble.time, "sleep", lambda _: None)
    hub.repo(REPO, FILES)
    hub.faults["data/a.parquet"] = Fault("reset", after=100_000)
    fetch(CHATS, folder)
    assert without_record(held(folder)) == matching(FILES)


def test_tries_end(hub: HubStandIn, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble.time, "sleep", lambda _: None)
    hub.repo(REPO, FILES)
    hub.faults["data/b.parquet"] = Fault("close", after=0, times=1000)
    with pytest.raises(FetchError, match=r"connection to the Hub .* failed .*finished files are kept"):
        fetch(CHATS, folder)
    assert held(folder) == {"data/a.parquet": FILES["data/a.parquet"]}
    assert len(hub.log) < 60


CHILD = """
import sys
from pathlib import Path
from quimbot_data.hub import HubFiles, fetch
fetch(HubFiles(sys.argv[1], ("data/*",)), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_stopped_run_is_finished_by_the_next(hub: HubStandIn, folder: Path, ending: signal.Signals) -> None:
    hub.repo(REPO, FILES)
    hub.faults["data/b.parquet"] = Fault("stall", after=100_000)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, REPO, str(folder)],
        env=os.environ | {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HOME": str(folder.parent / "home")},
        stderr=subprocess.PIPE,
    )
    assert hub.stalled.wait(20)
    child.send_signal(ending)
    child.communicate(timeout=20)
    hub.released.set()
    assert child.returncode != 0
    assert held(folder) == {"data/a.parquet": FILES["data/a.parquet"]}
    assert fetched(folder) is None
    hub.log.clear()
    assert fetch(CHATS, folder).skipped == ("data/a.parquet",)
    assert hub.bodies("data/a.parquet") == []
    assert without_record(held(folder)) == matching(FILES)
    assert sorted(path.name for path in folder.iterdir()) == [".locks", "data", "fetched.json"]


def test_a_moved_branch_brings_every_file_to_its_commit(hub: HubStandIn, folder: Path) -> None:
    repo = hub.repo(REPO, FILES)
    fetch(CHATS, folder)
    kept = {path: data for path, data in FILES.items() if path != "data/b.parquet"}
    new = kept | {"data/a.parquet": noise(250_000, 7)}
    sha = repo.commit(new)
    (folder / "mine.txt").write_text("put here by hand")
    report = fetch(CHATS, folder, only=["*/small.*"])
    assert (report.new, report.removed) == (("data/a.parquet",), ("data/b.parquet",))
    assert without_record(held(folder)) == matching(new) | {"mine.txt": b"put here by hand"}
    assert report.holds.revision == sha


def test_an_old_commit_can_be_named(hub: HubStandIn, folder: Path) -> None:
    repo = hub.repo(REPO, FILES)
    old = repo.branches["main"]
    repo.commit({"data/a.parquet": noise(9_000, 9)})
    assert fetch(CHATS, folder, revision=old).holds.revision == old
    assert without_record(held(folder)) == matching(FILES)


def test_no_record_while_the_folder_changes(hub: HubStandIn, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble.time, "sleep", lambda _: None)
    repo = hub.repo(REPO, FILES)
    fetch(CHATS, folder)
    repo.commit({"data/a.parquet": noise(9_000, 9)})
    hub.faults["data/a.parquet"] = Fault("reset", after=0, times=1000)
    with pytest.raises(FetchError):
        fetch(CHATS, folder)
    assert fetched(folder) is None
    hub.faults.clear()
    assert fetch(CHATS, folder).removed == (
        "data/b.parquet",
        "data/small.parquet",
    )  # still known from the record put aside
    (folder / "fetched.json").write_text("{}")
    with pytest.raises(IntegrityError):
        fetched(folder)
    assert fetch(CHATS, folder).skipped == ("data/a.parquet",)


def test_only_narrows_and_earlier_files_stay(hub: HubStandIn, folder: Path) -> None:
    hub.repo(REPO, FILES)
    fetch(CHATS, folder, only=["*/a.*"])
    assert set(without_record(held(folder))) == {"data/a.parquet"}
    fetch(CHATS, folder, only=["*/b.*"])
    assert [file.path for file in fetched(folder).files] == ["data/a.parquet", "data/b.parquet"]


def test_gated_without_a_token(hub: HubStandIn, folder: Path) -> None:
    hub.repo(REPO, FILES, token=TOKEN)
    with pytest.raises(GatedError) as caught:
        fetch(HubFiles(REPO, CHATS.patterns, gated=True), folder)
    assert f"https://huggingface.co/datasets/{REPO}" in str(caught.value)
    assert "HF_TOKEN" in str(caught.value)
    assert "hf auth login" in str(caught.value)
    assert held(folder) == {}


def test_gated_with_another_accounts_token(hub: HubStandIn, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repo(REPO, FILES, token=TOKEN)
    monkeypatch.setenv("HF_TOKEN", "hf_somebody_else")
    with pytest.raises(GatedError, match="accepted its terms") as caught:
        fetch(CHATS, folder)
    assert "hf_somebody_else" not in str(caught.value)


def test_gated_with_the_token(hub: HubStandIn, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repo(REPO, FILES, token=TOKEN)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    fetch(CHATS, folder)
    assert without_record(held(folder)) == matching(FILES)
    everything = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not any(TOKEN.encode() in data for data in everything)
    assert any(served.at == "cdn" for served in hub.log)
    assert not any(served.token for served in hub.log if served.at == "cdn")


@pytest.mark.parametrize("token", ["", TOKEN])
def test_an_unknown_repository(hub: HubStandIn, folder: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    folder.mkdir(parents=True)
    (folder / "old.parquet").write_bytes(b"old")
    with pytest.raises(FetchError, match="no dataset nobody/nothing") as caught:
        fetch(HubFiles("nobody/nothing", ("*",)), folder)
    assert not isinstance(caught.value, GatedError)
    assert held(folder) == {"old.parquet": b"old"}


def test_a_refused_token(hub: HubStandIn, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repo(REPO, FILES)
    hub.tokens = {TOKEN}
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    with pytest.raises(GatedError, match="refused the token") as caught:
        fetch(CHATS, folder)
    assert "hf_expired" not in str(caught.value)


@pytest.mark.parametrize("gated", [False, True])
def test_an_unknown_revision(hub: HubStandIn, folder: Path, gated: bool) -> None:
    hub.repo(REPO, FILES)
    with pytest.raises(FetchError, match=r"no revision 'refs/v9'.*commits/main"):
        fetch(HubFiles(REPO, CHATS.patterns, gated=gated), folder, revision="refs/v9")
    assert not folder.exists()


def test_no_file_matches(hub: HubStandIn, folder: Path) -> None:
    hub.repo(REPO, FILES)
    with pytest.raises(FetchError, match=r"matches \*\.jsonl\. It holds README\.md, data/a\.parquet"):
        fetch(HubFiles(REPO, ("*.jsonl",)), folder)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "127.0.0.1", "http://[", "http://127.0.0.1:9/api/"])
def test_an_unreachable_hub(hub: HubStandIn, folder: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(FetchError, match=re.escape(f"the Hub at {endpoint} failed") + ".*Check the network"):
        fetch(CHATS, folder)


def test_a_server_that_is_no_hub(hub: HubStandIn, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub_standin.json.dumps", lambda _: "<html>Sign in to the airport's network</html>")
    hub.repo(REPO, FILES)
    with pytest.raises(FetchError, match="does not answer as a Hub does"):
        fetch(CHATS, folder)


def test_other_bytes_than_listed_are_refused(hub: HubStandIn, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repo(REPO, {"data/a.parquet": noise(3_000, 1)})
    monkeypatch.setattr("hub_standin._listed", lambda path, data: {
        "type": "file", "path": path, "size": len(data), "oid": "0" * 40,
        "lfs": {"oid": "0" * 64, "size": len(data), "pointerSize": 134},
    })  # fmt: skip
    with pytest.raises(FetchError, match="other bytes than the Hub lists"):
        fetch(CHATS, folder)
    assert held(folder) == {}


@pytest.mark.parametrize(
    "path", ["fetched.json", "data/../../escape.parquet", "/data/escape.parquet", "data/.fetching/x.parquet"]
)
def test_a_path_outside_the_folder_is_refused(hub: HubStandIn, folder: Path, path: str) -> None:
    hub.repo(REPO, {path: b"gotcha"})
    with pytest.raises(FetchError, match="outside the folder"):
        fetch(HubFiles(REPO, ("*",)), folder)


def test_one_fetch_at_a_time(hub: HubStandIn, folder: Path) -> None:
    hub.repo(REPO, FILES)
    with Workspace(folder).lock("fetch"), pytest.raises(LockedError):
        fetch(CHATS, folder)


def test_too_small_a_disk(hub: HubStandIn, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repo(REPO, FILES)
    monkeypatch.setattr("quimbot_data.hub.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(WorkspaceError, match="GB free"):
        fetch(CHATS, folder)
    assert hub.bodies() == []


def test_columns_without_the_recordings(hub: HubStandIn, folder: Path, clips: dict[str, bytes]) -> None:
    hub.repo(TALKS.repo, clips)
    report = fetch(TALKS, folder)
    for path, data in clips.items():
        whole = pq.read_table(pa.BufferReader(data))
        expected = whole.select([name for name in whole.column_names if name in TEXT])
        got = pq.read_table(folder / path)
        assert got.equals(expected)
        assert set(got.schema.metadata) == {b"quimbot.fetched"}
        assert set(without_record(held(folder))) == set(clips)
    assert report.bytes_received == sum(served.sent for served in hub.bodies())
    assert report.bytes_received < 0.01 * sum(map(len, clips.values()))


def test_no_byte_of_the_recordings_is_asked_for(hub: HubStandIn, folder: Path, clips: dict[str, bytes]) -> None:
    hub.repo(TALKS.repo, clips)
    fetch(TALKS, folder)
    for path, data in clips.items():
        footer = read_footer(lambda start, end, data=data: data[start:end], len(data))
        sound = [span for group in range(footer.num_row_groups) for span in spans(footer, group, ["audio"])]
        asked = [tuple(map(int, served.range[6:].split("-"))) for served in hub.bodies(path)]
        assert sound
        assert not [(a, s) for a in asked for s in sound if a[0] < s[1] and s[0] <= a[1]]
        assert len(asked) == 2 + 2 * footer.num_row_groups  # the footer; text stands on both sides of the sound


def test_columns_once_held_are_skipped(hub: HubStandIn, folder: Path, clips: dict[str, bytes]) -> None:
    hub.repo(TALKS.repo, clips)
    fetch(TALKS, folder)
    hub.log.clear()
    assert fetch(TALKS, folder).skipped == tuple(sorted(clips))
    assert hub.bodies() == []
    (folder / "data/TTS/lug.parquet").write_bytes(b"PAR1 not any more")
    fewer = HubFiles(TALKS.repo, TALKS.patterns, columns=("id",))
    assert fetch(TALKS, folder).new == ("data/TTS/lug.parquet",)
    assert fetch(fewer, folder).new == tuple(sorted(clips))


@pytest.mark.parametrize("kind", ["close", "reset"])
def test_a_cut_range_is_asked_for_again(
    hub: HubStandIn, folder: Path, clips: dict[str, bytes], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trouble.time, "sleep", lambda _: None)
    hub.repo(TALKS.repo, clips)
    path = "data/TTS/lug.parquet"
    hub.faults[path] = Fault(kind, after=4, times=3)
    fetch(TALKS, folder, only=[path])
    assert pq.read_table(folder / path)["id"].to_pylist() == [f"clip-2-{row}" for row in range(30)]


def test_a_server_without_ranges_is_refused(hub: HubStandIn, folder: Path, clips: dict[str, bytes]) -> None:
    hub.repo(TALKS.repo, clips)
    hub.honours_ranges = False
    with pytest.raises(FetchError, match="does not honour byte ranges"):
        fetch(TALKS, folder)
    assert held(folder) == {}


def test_columns_of_a_gated_corpus(hub: HubStandIn, folder: Path, clips: dict[str, bytes]) -> None:
    hub.repo(TALKS.repo, clips, token=TOKEN)
    with pytest.raises(GatedError):
        fetch(TALKS, folder)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (noise(3_000, 1), "no Parquet file"),
        (noise(3_000, 1) + b"\x10\0\0\0PAR1", "footer cannot be read"),
        (b"", "no Parquet file"),
    ],
)
def test_what_is_no_parquet_file(hub: HubStandIn, folder: Path, data: bytes, message: str) -> None:
    hub.repo(TALKS.repo, {"data/ASR/x.parquet": data})
    with pytest.raises(FetchError, match=message):
        fetch(TALKS, folder)
    assert held(folder) == {}


def test_none_of_the_columns(hub: HubStandIn, folder: Path, clips: dict[str, bytes]) -> None:
    hub.repo(TALKS.repo, clips)
    with pytest.raises(FetchError, match=r"none of the wanted columns; it has \['id', 'transcription'"):
        fetch(HubFiles(TALKS.repo, TALKS.patterns, columns=("words",)), folder)


def test_importing_is_cheap() -> None:
    code = "import sys, json, quimbot_data.hub; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert {"huggingface_hub", "pyarrow", "polars"}.isdisjoint(loaded)


def test_plain_http_unless_the_user_says_otherwise(hub: HubStandIn, folder: Path) -> None:
    check = CHILD + "from huggingface_hub import constants; print(constants.HF_HUB_DISABLE_XET)"
    hub.repo(REPO, {"data/a.parquet": b"a"})
    environment = os.environ | {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HOME": str(folder.parent / "home")}
    environment.pop("HF_HUB_DISABLE_XET", None)
    command = [sys.executable, "-c", check, REPO, str(folder)]
    assert subprocess.run(command, env=environment, capture_output=True, check=True).stdout == b"True\n"
    assert without_record(held(folder)) == {"data/a.parquet": b"a"}
