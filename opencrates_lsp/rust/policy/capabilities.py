"""The rule `capabilities`: a fill reads nothing while it compiles, starts no program, and opens no connection.

What runs in the compiler, on the machine of whoever compiles, counts by its very text: a path that was there may stay.
What the code does when it runs counts by file: a file that starts programs may start more of them.
Reading and writing files, and reading the environment, is what functions are for; neither is a capability here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from opencrates_lsp.rust.items import find, items_around, named
from opencrates_lsp.rust.policy.edit import Edit, Finding, Side, Violation, beyond, is_for_tests, is_test_file, name_at
from opencrates_lsp.rust.policy.marks import Mark, attribute_ranges, closing
from opencrates_lsp.rust.policy.names import Parts, paths_in
from opencrates_lsp.rust.syntax import path_at

Capability = Literal["process", "exit", "network"]

_COMPILED = frozenset({"include", "include_str", "include_bytes", "env", "option_env"})
# Words that mean nothing but these macros, wherever they stand: a macro may be handed one to call.
_TELLING = frozenset({"include_str", "include_bytes", "option_env"})
# What cargo itself says of the package, and nothing of the machine.
_OF_CARGO = ("CARGO_PKG_", "CARGO_CRATE_NAME", "CARGO_BIN_NAME", "CARGO_BIN_EXE_")
_OF_CARGO_IN_TESTS = ("CARGO_MANIFEST_DIR", "CARGO_TARGET_TMPDIR")
_STD = frozenset({"std", "core"})
_OWN = frozenset({"crate", "self", "super"})
_RUNTIMES = frozenset({"tokio", "async_std", "smol", "async_process", "async_net", "mio"})
_SOCKETS = frozenset(
    (
        "TcpStream",
        "TcpListener",
        "TcpSocket",
        "UdpSocket",
        "UnixStream",
        "UnixListener",
        "UnixDatagram",
        "UnixSocket",
        "ToSocketAddrs",
        "lookup_host",
    )
)
_SYSTEM: dict[str, Capability] = {
    **dict.fromkeys(("system", "popen", "fork", "vfork", "execl", "execlp", "execle", "execv", "execvp"), "process"),
    **dict.fromkeys(("execve", "execvpe", "fexecve", "posix_spawn", "posix_spawnp", "execveat"), "process"),
    **dict.fromkeys(("socket", "connect", "bind", "listen", "sendto", "getaddrinfo", "socketpair"), "network"),
    **dict.fromkeys(("exit", "_exit", "abort"), "exit"),
}
# The words of which any path to all this has at least one.
_NAMED = frozenset({"process", "net", "os", "Command", "CommandExt"})
_WORDS = _COMPILED | _SOCKETS | _SYSTEM.keys() | _NAMED | _STD | _RUNTIMES
_STARTS = frozenset({"spawn", "output", "status", "exec"})
_TOLD: dict[str, str] = {
    "process": "starts a program",
    "exit": "ends the whole process",
    "network": "opens a connection",
}

_WHILE = ", which reads something while it compiles"


def new_capabilities(edit: Edit) -> Iterator[Violation]:
    """What the edit's code reaches that the code of the file did not reach before."""
    now = list(_found(edit.after, edit))
    if not now:
        return
    before = edit.before.whole()
    whole = list(_found(before, edit))
    had = {(one.kind, tested) for one in whole for tested in {_tested(edit, before, one.at), True}}
    # Who imports it has said what the module is for.
    imported = [_capability(target) for targets in before.names.bound.values() for target in targets]
    had |= {(kind, tested) for kind in imported if kind for tested in (False, True)}
    known = {one.told for one in whole}
    fixed = [one for one in now if one.kind not in _TOLD and one.told not in known]
    running = [one for one in now if one.kind in _TOLD and (one.kind, _tested(edit, edit.after, one.at)) not in had]
    for finding in beyond(edit, [one for one in whole if one.kind not in _TOLD], fixed):
        where = name_at(edit.after, finding.at)
        yield Violation("capabilities", f"{where} gets {finding.told}.")
    for finding in running:
        where = name_at(edit.after, finding.at)
        yield Violation("capabilities", f"{where} {finding.told}, and nothing in the file did that before.")


def _tested(edit: Edit, side: Side, offset: int) -> bool:
    return any(is_for_tests(item) for item in items_around(side.source, offset)) or is_test_file(edit.path)


def _found(side: Side, edit: Edit) -> Iterator[Finding]:
    marks = side.marks
    for start, end in attribute_ranges(marks):
        for at in range(start, end - 1):
            if marks[at].text != "path" or marks[at + 1].text != "=":
                continue
            inside = at + 2 < end and _is_fixture(edit.path, marks[at + 2].text.strip('"'))
            if not (inside and _tested(edit, side, marks[at].at)):
                yield Finding("path", f"`#[{_text(marks, at, end)}]`{_WHILE}", marks[at].at)
    for item in edit.pairs.new if side is edit.after else ():
        if item.identity.kind == "mod" and item.body is None and side.span.start <= item.span.start < side.span.end:
            yield Finding("mod", f"the file of `mod {item.identity.name}`{_WHILE}", item.node_span.start)
    through = side.names.leading_to(_WORDS)
    for start, end, path in paths_in(marks):
        if through.isdisjoint(path) and path[0][:1] != "$":
            continue
        yield from _compiled(edit, side, through, (start, end, path))
        yield from _running(edit, side, through, (start, end, path))
    for at in range(len(marks) - 4):
        if marks[at].text == "." and marks[at + 1].text == "to_socket_addrs" and marks[at + 2].text == "(":
            yield Finding("network", f"{_TOLD['network']} by `.to_socket_addrs()`", marks[at + 1].at)


Found = tuple[int, int, Parts]


def _text(marks: Sequence[Mark], start: int, end: int) -> str:
    """The marks as code; words are kept apart."""
    pieces: list[str] = []
    for mark in marks[start:end]:
        apart = bool(pieces) and pieces[-1][-1:].isalnum() and mark.text[:1].isalnum()
        pieces.append(f" {mark.text}" if apart else mark.text)
    return "".join(pieces)


def _compiled(edit: Edit, side: Side, through: frozenset[str], found: Found) -> Iterator[Finding]:
    """Macros that read files or the environment while the crate is compiled."""
    marks, names = side.marks, side.names
    start, end, path = found
    called = end + 1 < len(marks) and marks[end].text == "!" and marks[end + 1].text in ("(", "[", "{")
    meanings = names.meanings(path, through)
    read = (one[-1] for one in meanings if one[-1] in _COMPILED and (len(one) == 1 or one[0] in _STD))
    macro = next(read, "")
    if called and macro:
        shown = f"{macro}!{_text(marks, end + 1, closing(marks, end + 1) + 1)}"
        tested = _tested(edit, side, marks[start].at)
        argument = marks[end + 2].text.strip('"') if end + 2 < len(marks) else ""
        alone = _text(marks, end + 3, closing(marks, end + 1)) in ("", ",")
        if macro in ("env", "option_env"):
            allowed = argument.startswith(_OF_CARGO + (_OF_CARGO_IN_TESTS if tested else ()))
        else:
            allowed = tested and alone and _is_fixture(edit.path, argument)
        if not allowed:
            yield Finding(shown, f"`{shown}`{_WHILE}", marks[start].at)
    elif path[0].startswith("$") and called:
        yield Finding("any macro", f"`{path[0]}!`, which calls whichever macro it is given", marks[start].at)
    elif not called and (path[-1] in _TELLING or (path[-1] in _COMPILED and _is_handed(marks, start, end))):
        yield Finding(path[-1], f"`{path[-1]}`{_WHILE}", marks[start].at)


def _is_fixture(path: Path, name: str) -> bool:
    """Whether a file by this name, seen from the one at `path`, is in the folder that has `src` or `tests`."""
    depth = 0
    for part in reversed(path.parts[:-1]):
        depth += 1
        if part in ("src", "tests", "benches"):
            break
    else:
        return False
    for step in name.split("/")[:-1]:
        depth += -1 if step == ".." else step not in ("", ".")
        if depth < 0:
            return False
    return bool(name) and not name.startswith("/") and ":" not in name and "\\" not in name


def _is_handed(marks: Sequence[Mark], start: int, end: int) -> bool:
    """Whether the words are the whole first argument of a macro's call, as in `m!(env)`."""
    return start > 1 and end < len(marks) and marks[start - 2].text == "!" and marks[end].text in (")", ",")


def _running(edit: Edit, side: Side, through: frozenset[str], found: Found) -> Iterator[Finding]:
    """Programs, connections and exits of the code as it runs."""
    marks, names = side.marks, side.names
    start, end, path = found
    shown = "::".join(path).removeprefix("::")
    if path[0].startswith("$") and len(path) > 1:
        # `$a::process::Command`: whatever the macro is given, it may be `std`.
        meanings = {("std", *path[1:])} | ({path[1:]} if len(path) > 2 else set())
    else:
        meanings = names.meanings(path, through)
    for meaning in meanings:
        capability = _capability(meaning)
        if capability == "exit" and _may_exit(edit, side, marks[start].at):
            continue
        if capability == "process" and _is_own_program(marks, end):
            continue
        if capability is not None:
            yield Finding(capability, f"{_TOLD[capability]} by `{shown}`", marks[start].at)
            return
    if path == ("Command", "new") and _is_from_afar(side) and _starts(marks, end):
        yield Finding("process", f"{_TOLD['process']} by `{shown}`", marks[start].at)
    if path[0][:1] != "$" and any(one[0] in _STD and _is_open(side, start, end, one) for one in meanings):
        yield Finding("any path", f"`{shown}`, which a macro can make any path", marks[start].at)


def _capability(path: Parts) -> Capability | None:
    """What the item of this full path can do."""
    root, *rest = path if path[0] != "" else path[1:] or ("",)
    if root in ("libc", "nix", "rustix") and rest:
        return _SYSTEM.get(rest[-1])
    if root not in _STD and root not in _RUNTIMES:
        return None
    if rest[:1] == ["os"]:
        rest = rest[2:]
    if root in ("async_process", "async_net", "mio"):
        rest = ["process" if root == "async_process" else "net", *rest]
    if rest[:1] == ["process"] and len(rest) > 1:
        if rest[1] in ("exit", "abort"):
            return "exit"
        return "process" if rest[1] in ("Command", "CommandExt") else None
    return "network" if rest[:1] == ["net"] and len(rest) > 1 and rest[1] in _SOCKETS else None


def _is_open(side: Side, start: int, end: int, path: Parts) -> bool:
    """Whether the path is not whole: a part is a macro's to say, or a macro is handed it to go on from there."""
    marks = side.marks
    if any(part.startswith("$") for part in path):
        return True
    if [mark.text for mark in marks[end : end + 3]] == ["::", "[", "<"]:
        return True
    if path != ("std",) and not (len(path) == 2 and path[1] in ("process", "net", "os")):
        return False
    ends = end < len(marks) and (marks[end].kind == "word" or marks[end].text in (",", ")", "]", "}"))
    return ends and any(node.type == "token_tree" for node in path_at(side.source, marks[start].at))


def _may_exit(edit: Edit, side: Side, offset: int) -> bool:
    """`main`, and what never returns, may end the process, if it was there before."""
    around = reversed(items_around(side.source, offset))
    function = next((one for one in around if one.identity.kind == "function"), None)
    if function is None or find(edit.before.source, function.identity) is None:
        return False
    signature = side.source.text[slice(*function.signature)]
    return (function.identity.name == "main" and not function.identity.header) or signature.rstrip().endswith(b"!")


def _is_own_program(marks: Sequence[Mark], end: int) -> bool:
    """Whether it is `(env!("CARGO_BIN_EXE_…"))`: the package's own program, as its tests start it."""
    texts = [mark.text for mark in marks[end : end + 5]]
    return texts[:4] == ["(", "env", "!", "("] and texts[-1].startswith('"CARGO_BIN_EXE_')


def _is_from_afar(side: Side) -> bool:
    """Whether the file's `Command` is from a module of the crate that is not here to be read."""
    if any(named(side.source, "Command")):
        return False
    bound = side.names.bound.get("Command", set())
    return any(not one or one[0] in _OWN for one in bound or side.names.globs)


def _starts(marks: Sequence[Mark], end: int) -> bool:
    """Whether a program is started in the same block, after this place."""
    depth = 0
    for at in range(end, len(marks) - 1):
        depth += (marks[at].text == "{") - (marks[at].text == "}")
        if depth < 0:
            return False
        if marks[at].text == "." and marks[at + 1].text in _STARTS:
            return True
    return False
