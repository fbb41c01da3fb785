#!/usr/bin/env python3
"""What the house style rules out, word by word."""

import re
import unittest

import checking
import cpp_text

BANNED_HEADERS = {
    "iostream": "static initialisation and locales; write to the log, or to stdout in cli/",
    "regex": "slow, recursive, throws",
    "filesystem": "throws, allocates, and hides which call failed; use util/ and FileOps",
}
# (file, header) → why it may.
HEADERS_EXCUSED = {
    ("daemon/config/load.cpp", "filesystem"): "joins and normalises paths as text; absolute() takes an error_code",
    ("daemon/config/source.cpp", "filesystem"): "joins and normalises paths as text",
}
BANNED_SEQUENCES = {
    ("std", "::", "cout"): "std::cout",
    ("std", "::", "cerr"): "std::cerr",
    ("std", "::", "endl"): "std::endl",
}
BAD_CLASS = re.compile(r".*(Manager|Helpers?|Utils?)|Data|Info")
TODO = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
GOOD_TODO = re.compile(r"\bTODO\(#\d+\): \S")
SMART = {"unique_ptr", "shared_ptr", "reset"}
# Who may say delete, and why.
DELETERS = {"daemon/runtime/uv_handle.h": "a uv handle lives until its close callback, which frees it"}
SLEEPS = {"sleep", "usleep", "nanosleep", "sleep_for", "sleep_until"}
# Tests of parts that really wait for the machine, and why they may.
SLEEPERS: dict[str, str] = {"tests/runtime/child_process_test.cpp": "real processes end in their own time"}


def complaints_in(path: str, text: str) -> list[str]:
    source = cpp_text.read(text)
    tokens = source.tokens
    out = []

    def complain(line: int, what: str) -> None:
        out.append(f"{path}:{line}: {what}")

    for line, row in enumerate(text.split("\n"), 1):
        if "\t" in row:
            complain(line, "a tab")
    for line, comment in source.comments:
        if TODO.search(comment) and not GOOD_TODO.search(comment):
            complain(line, "an open matter is written TODO(#issue): what and why")
    for include in source.includes:
        if include.system and include.path in BANNED_HEADERS and path.startswith("daemon/") and (path, include.path) not in HEADERS_EXCUSED:
            complain(include.line, f"<{include.path}>: {BANNED_HEADERS[include.path]}")
    if path.endswith(".h") and not (source.directives and source.directives[0][1] == "#pragma once"):
        complain(1, "a header's first directive is #pragma once")
    words = [token.text if token.kind in ("name", "punct") else "" for token in tokens]
    for at, word in enumerate(words):
        line = tokens[at].line
        if word == "using" and words[at + 1 : at + 2] == ["namespace"] and path.endswith(".h"):
            complain(line, "using namespace in a header")
        if path.startswith("daemon/") and tuple(words[at : at + 3]) in BANNED_SEQUENCES:
            complain(line, BANNED_SEQUENCES[tuple(words[at : at + 3])])
        if word in ("class", "struct") and at + 1 < len(words) and BAD_CLASS.fullmatch(words[at + 1]):
            complain(line, f"{words[at + 1]}: name it by its role in the data's path")
        if word == "new" and words[at - 1] != "operator" and path.startswith("daemon/"):
            # `std::unique_ptr<T> x(new T)` and `x.reset(new T)`: for constructors that make_unique cannot reach.
            statement_start = max((i for i in range(at) if words[i] in (";", "{", "}")), default=-1)
            if not (words[at - 1] == "(" and SMART & set(words[statement_start + 1 : at])):
                complain(line, "new outside of a smart pointer")
        if word == "delete" and words[at - 1] not in ("=", "operator") and path.startswith("daemon/") and path not in DELETERS:
            complain(line, "delete: let an owner do it")
        if word in SLEEPS and words[at + 1 : at + 2] == ["("] and path.endswith("_test.cpp") and path not in SLEEPERS:
            complain(line, f"{word}() in a test: inject a clock, or wait for the event itself")
    return out


class SelfTest(unittest.TestCase):
    def test_good_text_passes(self) -> None:
        text = ("// What it is.\n#pragma once\n#include <string>\nclass Planner final {\n  Planner(const Planner&) = delete;\n};\n"
                "// TODO(#12): measure it, the limit is a guess\nauto s = \"TODO \\t std::cout new delete\";\n"
                "std::unique_ptr<Planner> make() { std::unique_ptr<Planner> p(new Planner(1)); x.reset(new uv_timer_t{}); return p; }\n"
                "void* operator new(std::size_t); struct DataRange; class UserInfoReply;\n")
        self.assertEqual(complaints_in("daemon/sync/a.h", text), [])

    def test_each_banned_thing_is_found(self) -> None:
        for path, text, reason in [
            ("daemon/a/a.h", "#pragma once\nusing namespace std;", "using namespace"),
            ("daemon/a/a.h", "#include <string>\n#pragma once\n", "#pragma once"),
            ("daemon/a/a.h", "int x;", "#pragma once"),
            ("daemon/a/a.cpp", "#include <iostream>\n", "<iostream>"),
            ("daemon/a/a.cpp", "#include <regex>\n", "<regex>"),
            ("daemon/a/a.cpp", "#include <filesystem>\n", "<filesystem>"),
            ("daemon/a/a.cpp", "std::cout << 1;", "std::cout"),
            ("daemon/a/a.cpp", "class TokenManager final {};", "role"),
            ("daemon/a/a.cpp", "struct StringUtils;", "role"),
            ("daemon/a/a.cpp", "struct Info { int a; };", "role"),
            ("daemon/a/a.cpp", "int a; // TODO: later", "TODO(#issue)"),
            ("daemon/a/a.cpp", "/* FIXME */", "TODO(#issue)"),
            ("tests/a/a_test.cpp", "int a;\t", "tab"),
            ("daemon/a/a.cpp", "auto* p = new int(1);", "new outside"),
            ("daemon/a/a.cpp", "std::unique_ptr<int> q(f()); g(new int);", "new outside"),
            ("daemon/a/a.cpp", "void f() { delete p; }", "delete"),
            ("tests/a/a_test.cpp", "std::this_thread::sleep_for(1ms);", "sleep_for"),
        ]:
            found = complaints_in(path, text)
            self.assertEqual(len(found), 1, (text, found))
            self.assertIn(reason, found[0])

    def test_excused_files_exist(self) -> None:
        for path in [*DELETERS, *SLEEPERS, *(path for path, _ in HEADERS_EXCUSED)]:
            self.assertTrue((checking.ROOT / path).exists(), path)


def tree() -> list[str]:
    files = checking.daemon_files() + checking.test_files()
    return [c for path in files for c in complaints_in(checking.relative(path), path.read_text())]


if __name__ == "__main__":
    checking.run(SelfTest, tree)
