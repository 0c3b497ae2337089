"""The index between sessions: the same as one made anew, whatever happened to the files, or to what was kept."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrates_lsp.workspace import kept_index, reading
from opencrates_lsp.workspace.index import MOST_BYTES, Index
from opencrates_lsp.workspace.reading import read_index

NAMES = ("Alpha", "Beta", "Gamma")
TEXTS = (
    "pub struct Alpha;\nimpl Alpha { pub fn go(&self) { help(1); } }\n",
    "pub enum Beta { One }\npub fn help(x: u8) {}\nfn main() { help(2); Alpha::go(&a); }\n",
    "pub trait Gamma { fn go(&self); }\nimpl Gamma for Beta { fn go(&self) { help(3) } }\n",
    "",
)
PLACES = ("src/lib.rs", "src/a.rs", "src/deep/b.rs", "tests/c.rs")
LONG_AGO = 1_600_000_000


def answers(index: Index, root: Path) -> object:
    """All that the index can be asked."""
    asking = root / "asking.rs"
    calls = [
        index.calling(name, owner, asking, root, 32) for name, owner in (("help", ""), ("go", "Alpha"), ("go", ""))
    ]
    return len(index), index.related(NAMES, asking), calls


def write(path: Path, text: str, seconds: int) -> None:
    """The file as it would be if it had been written long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (seconds, seconds))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(PLACES), st.sampled_from([*range(len(TEXTS)), None]), st.integers(0, 3)),
            max_size=5,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_loaded_equals_what_is_read_anew(
    tmp_path_factory: pytest.TempPathFactory, sessions: list[list[tuple[str, int | None, int]]]
) -> None:
    root, kept = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("kept")
    for count, edits in enumerate(sessions):
        for name, text, later in edits:
            if text is None:
                (root / name).unlink(missing_ok=True)
            else:
                # Another text has another time or another size, as on any disk whose clock runs.
                write(root / name, TEXTS[text], LONG_AGO + 100 * count + 10 * later + text)
        kept_one = read_index(root, kept=kept)
        assert answers(kept_one, root) == answers(read_index(root), root)
        # So few files are not worth keeping, so here they are kept by hand.
        kept_index.save(kept_index.place_of(kept, root), kept_one.files)


def filled(tmp_path: Path, count: int = 60) -> tuple[Path, Path]:
    """A folder with files that were written long ago, and the folder where its index is kept."""
    root = tmp_path / "root"
    for at in range(count):
        write(root / f"src/m{at}.rs", f"pub struct S{at};\nfn f{at}() {{ g{at}(); }}\n", LONG_AGO)
    return root, tmp_path / "kept"


def test_what_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    root, kept = filled(tmp_path)
    read_index(root, kept=kept)
    for path in root.rglob("*.rs"):
        # The same time and size: only what was kept can still know the old name.
        write(path, path.read_text().replace("struct S", "struct T"), LONG_AGO)
    index = read_index(root, kept=kept)
    assert index.related(["S1", "T1"], root / "x.rs") == {"S1": ("pub struct S1;",)}


def test_a_file_that_was_just_written_is_read_again(tmp_path: Path) -> None:
    root, kept = filled(tmp_path)
    path = root / "src" / "m1.rs"
    path.write_text("pub struct Now;")
    told = path.stat()
    read_index(root, kept=kept)
    path.write_text("pub struct New;")
    os.utime(path, ns=(told.st_mtime_ns, told.st_mtime_ns))
    index = read_index(root, kept=kept)
    assert index.related(["Now", "New"], root / "x.rs").keys() == {"New"}


def test_what_may_not_be_shown_any_more_does_not_stay_on_disk(tmp_path: Path) -> None:
    root, kept = filled(tmp_path)
    read_index(root, kept=kept)
    place = kept_index.place_of(kept, root)
    assert place.stat().st_mode & 0o077 == 0
    assert root / "src" / "m1.rs" in kept_index.load(place)
    index = read_index(root, lambda path: path.name == "m1.rs", kept=kept)
    assert index.related(["S1"], root / "x.rs") == {}
    assert root / "src" / "m1.rs" not in kept_index.load(place)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:10],
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data + b"x",
        lambda data: data.replace(bytes([kept_index.FORMAT]), bytes([kept_index.FORMAT + 1]), 1),
        lambda data: bytes([*data[:200], data[200] ^ 1, *data[201:]]),
        lambda data: bytes(reversed(data)),
        lambda data: b"SQLite format 3\x00" + data,
    ],
)
def test_what_is_damaged_or_of_another_version_is_made_anew(tmp_path: Path, damage: object) -> None:
    root, kept = filled(tmp_path)
    first = answers(read_index(root, kept=kept), root)
    place = kept_index.place_of(kept, root)
    assert callable(damage)
    place.write_bytes(damage(place.read_bytes()))
    assert kept_index.load(place) == {}
    assert answers(read_index(root, kept=kept), root) == first
    assert len(kept_index.load(place)) == 60


def test_two_servers_on_one_workspace_never_read_half_an_index(tmp_path: Path) -> None:
    root, kept = filled(tmp_path)
    first = answers(read_index(root, kept=kept), root)
    place = kept_index.place_of(kept, root)
    files = kept_index.load(place)

    def server(number: int) -> bool:
        for _ in range(20):
            kept_index.save(place, files)
            if len(kept_index.load(place)) != 60:
                return False
        return answers(read_index(root, kept=kept), root) == first

    with ThreadPoolExecutor(4) as servers:
        assert all(servers.map(server, range(4)))
    assert [path.name for path in kept.iterdir()] == [place.name]


def test_a_folder_that_cannot_be_written_to_keeps_nothing(tmp_path: Path) -> None:
    root, _ = filled(tmp_path, 3)
    (tmp_path / "file").write_text("no folder")
    assert len(read_index(root, kept=tmp_path / "file")) == 3


def test_there_is_room_for_so_many_indexes_only(tmp_path: Path) -> None:
    for at in range(40):
        place = kept_index.place_of(tmp_path, Path(f"/workspace/{at}"))
        kept_index.save(place, {})
        os.utime(place, (LONG_AGO + at, LONG_AGO + at))
    assert len(list(tmp_path.iterdir())) == 32
    assert kept_index.place_of(tmp_path, Path("/workspace/39")).exists()
    assert not kept_index.place_of(tmp_path, Path("/workspace/0")).exists()


def test_folders_outside_of_the_root_count(tmp_path: Path) -> None:
    root, _ = filled(tmp_path, 2)
    write(tmp_path / "shared" / "src" / "lib.rs", "pub struct Shared;\nfn uses() { f1(); }\n", LONG_AGO)
    index = read_index(root, outside=[tmp_path / "shared"])
    assert index.related(["Shared"], root / "x.rs") == {"Shared": ("pub struct Shared;",)}
    assert [one.origin for one in index.calling("f1", "", root / "x.rs", root)] == ["shared/src/lib.rs"]


def test_who_is_not_waited_for_any_more_ends_and_keeps_nothing(tmp_path: Path) -> None:
    root, kept = filled(tmp_path)
    unwanted = threading.Event()
    seen: list[Path] = []

    def is_left_out(path: Path) -> bool:
        seen.append(path)
        if len(seen) == 10:
            unwanted.set()
        return False

    index = read_index(root, is_left_out, kept=kept, is_wanted=lambda: not unwanted.is_set())
    assert len(index) == len(seen) == 10
    assert not kept.exists()


def test_what_is_left_out_is_told_to_whoever_debugs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root, _ = filled(tmp_path, 3)
    (root / "huge.rs").write_bytes(b"\n" * (MOST_BYTES + 1))
    with caplog.at_level("DEBUG", logger=reading.__name__):
        assert len(read_index(root, most_files=2)) == 2
    assert [record.getMessage().rsplit("/", 1)[-1] for record in caplog.records] == [
        "huge.rs is too large for the index",
        "root: all beyond 2 files is left out of the index",
    ]
