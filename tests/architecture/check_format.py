#!/usr/bin/env python3
"""clang-format-19 would change nothing."""

import shutil
import subprocess
import sys
import unittest

import checking

PROGRAM = "clang-format-19"


def complaints_about(files: list[str]) -> list[str]:
    done = subprocess.run([PROGRAM, "--dry-run", "--ferror-limit=1", *files], cwd=checking.ROOT, text=True, capture_output=True)
    if done.returncode != 0:
        return [done.stderr]
    return [line.split(": ")[0] + f": run {PROGRAM} -i" for line in done.stderr.splitlines() if "[-Wclang-format-violations]" in line]


class SelfTest(unittest.TestCase):
    def formatted(self, text: str) -> bool:
        done = subprocess.run([PROGRAM, "--dry-run", "--Werror", "--assume-filename=daemon/a.cpp"], cwd=checking.ROOT, input=text,
                              text=True, capture_output=True)
        return done.returncode == 0

    def test_the_style_file_is_found_and_used(self) -> None:
        self.assertTrue(self.formatted("int* value = nullptr;\n"))
        self.assertFalse(self.formatted("int *value = nullptr;\n"))


def tree() -> list[str]:
    return complaints_about([checking.relative(path) for path in checking.daemon_files() + checking.test_files()])


if __name__ == "__main__":
    if not shutil.which(PROGRAM):
        print(f"SKIP {PROGRAM} is not installed (apt-get install {PROGRAM})")
        sys.exit(checking.SKIPPED)
    checking.run(SelfTest, tree)
