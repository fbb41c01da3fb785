#!/usr/bin/env python3
"""Each header compiles alone, included twice. Where x.cpp includes x.h before anything else, the build itself has shown
that; the others are compiled here. What passed is remembered by content under build/header-cache."""

import concurrent.futures
import hashlib
import pathlib
import subprocess
import tempfile
import unittest

import checking
import cpp_text

OPTIONS = checking.arguments(compiler="C++ compiler", flags="its flags, separated by spaces")
COMPILER = OPTIONS.compiler or "g++"
FLAGS = OPTIONS.flags.split() or ["-Wall", "-Wextra"]
CACHE = checking.ROOT / "build/header-cache"


def compile_alone(base: pathlib.Path, header: str) -> str:
    """The compiler's complaints about `header`, included from `base`."""
    command = [COMPILER, "-std=c++23", *FLAGS, f"-I{base}", "-fsyntax-only", "-x", "c++", "-"]
    done = subprocess.run(command, input=f'#include "{header}"\n#include "{header}"\n', text=True, capture_output=True)
    return "" if done.returncode == 0 else done.stderr or "failed"


def opens_its_source(base: pathlib.Path, header: str) -> bool:
    """Whether x.cpp beside x.h starts with it."""
    source = (base / header).with_suffix(".cpp")
    includes = cpp_text.read(source.read_text()).includes if source.exists() else []
    return bool(includes) and includes[0].path == header


def fingerprint(base: pathlib.Path, header: str, compiler: str) -> str:
    """Of the header and of all project headers that it reaches."""
    seen, todo, digest = set(), [header], hashlib.sha256("\0".join([compiler, *FLAGS]).encode())
    while todo:
        name = todo.pop()
        if name in seen or not (base / name).exists():
            continue
        seen.add(name)
        text = (base / name).read_text()
        digest.update(f"{name}\0{text}\0".encode())
        todo += [include.path for include in cpp_text.read(text).includes if not include.system]
    return digest.hexdigest()


class SelfTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.base = pathlib.Path(directory.name)

    def write(self, name: str, text: str) -> None:
        (self.base / name).write_text(text)

    def test_headers_that_need_others_fail(self) -> None:
        self.write("good.h", "#pragma once\n#include <string>\ninline std::string f() { return {}; }\n")
        self.write("needy.h", "#pragma once\ninline std::string f() { return {}; }\n")
        self.write("twice.h", "struct A {};\n")
        self.assertEqual(compile_alone(self.base, "good.h"), "")
        self.assertIn("needy.h", compile_alone(self.base, "needy.h"))
        self.assertIn("twice.h", compile_alone(self.base, "twice.h"))

    def test_source_must_start_with_its_header(self) -> None:
        for text, proves in [('// x\n#include "a.h"\n', True), ('#include <span>\n#include "a.h"\n', False), ("", False)]:
            self.write("a.cpp", text)
            self.assertEqual(opens_its_source(self.base, "a.h"), proves, text)
        self.assertFalse(opens_its_source(self.base, "b.h"))

    def test_fingerprint_sees_what_a_header_includes(self) -> None:
        self.write("a.h", '#include "b.h"\n')
        self.write("b.h", "int b;\n")
        before = fingerprint(self.base, "a.h", "g++")
        self.assertEqual(before, fingerprint(self.base, "a.h", "g++"))
        self.write("b.h", "int c;\n")
        self.assertNotEqual(before, fingerprint(self.base, "a.h", "g++"))


def tree() -> list[str]:
    base = checking.ROOT / "daemon"
    version = subprocess.run([COMPILER, "--version"], text=True, capture_output=True, check=True).stdout
    CACHE.mkdir(parents=True, exist_ok=True)
    headers = [str(path.relative_to(base)) for path in checking.daemon_files() if path.suffix == ".h"]
    headers = [header for header in headers if not opens_its_source(base, header)]

    def one(header: str) -> str:
        passed = CACHE / fingerprint(base, header, version)
        if passed.exists():
            passed.touch()
            return ""
        said = compile_alone(base, header)
        if not said:
            passed.touch()
        return said

    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        said = dict(zip(headers, pool.map(one, headers)))
    # What was not asked for in the last 1,000 headers is old.
    for old in sorted(CACHE.iterdir(), key=lambda path: path.stat().st_mtime)[:-1000]:
        old.unlink(missing_ok=True)
    return [f"daemon/{header} does not compile alone:\n{text}" for header, text in said.items() if text]


if __name__ == "__main__":
    checking.run(SelfTest, tree)
