#!/usr/bin/env python3
"""Sizes: files of more than 400 lines and functions of more than 50 are listed, files of more than 600 refused."""

import statistics
import unittest

import checking
import cpp_blocks
import cpp_text

FILE_BUDGET, FILE_LIMIT, FUNCTION_BUDGET = 400, 600, 50
# File → why it is one piece.
EXCUSED: dict[str, str] = {}


def complaints_in(path: str, text: str) -> list[str]:
    lines = text.count("\n")
    if lines <= FILE_LIMIT or path in EXCUSED:
        return []
    return [f"{path}: {lines} lines, the limit is {FILE_LIMIT}; split it by what it does"]


def over_budget(path: str, text: str) -> list[str]:
    out = []
    if text.count("\n") > FILE_BUDGET:
        out.append(f"{path}: {text.count(chr(10))} lines")
    for function in cpp_blocks.parse(cpp_text.read(text).tokens).functions:
        length = function.last_line - function.first_line + 1
        if length > FUNCTION_BUDGET:
            out.append(f"{path}:{function.first_line}: a function of {length} lines")
    return out


class SelfTest(unittest.TestCase):
    def test_limits(self) -> None:
        self.assertEqual(complaints_in("a", "\n" * 600), [])
        self.assertEqual(len(complaints_in("a", "\n" * 601)), 1)
        self.assertEqual(over_budget("a", "\n" * 400), [])
        self.assertEqual(over_budget("a", "\n" * 401), ["a: 401 lines"])
        body = "namespace n {\nvoid C::f() const {" + "\n" * 49 + "}\n}"
        self.assertEqual(over_budget("a", body), [])
        self.assertEqual(over_budget("a", body.replace("{\n\n", "{\n\n\n")), ["a:2: a function of 51 lines"])

    def test_excused_files_exist(self) -> None:
        for path in EXCUSED:
            self.assertTrue((checking.ROOT / path).exists(), path)


def tree() -> list[str]:
    files = checking.daemon_files() + checking.test_files()
    texts = {checking.relative(path): path.read_text() for path in files}
    sizes = sorted((text.count("\n"), path) for path, text in texts.items() if path.startswith("daemon/"))
    counts = [size for size, _ in sizes]
    print(f"daemon/: {len(sizes)} files, {sum(counts)} lines, median {int(statistics.median(counts))}, "
          f"p90 {counts[len(counts) * 9 // 10]}; largest: " + ", ".join(f"{path} {size}" for size, path in reversed(sizes[-5:])))
    for path, text in texts.items():
        for line in over_budget(path, text):
            print("over budget: " + line)
    return [c for path, text in texts.items() for c in complaints_in(path, text)]


if __name__ == "__main__":
    checking.run(SelfTest, tree)
