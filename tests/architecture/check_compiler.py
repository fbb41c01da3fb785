#!/usr/bin/env python3
"""Records what this compiler does with coroutines: the ways of writing that the house allows must be right at -O0 and
-O2; whether the refused ones (g++ 12: destroyed twice) still go wrong is reported, so that the rule can go one day."""

import pathlib
import subprocess
import tempfile
import unittest

import checking

OPTIONS = checking.arguments(compiler="C++ compiler", flags="ignored")
COMPILER = OPTIONS.compiler or "g++"
PROBE = pathlib.Path(__file__).with_name("coroutine_probe.cc")


def judge(output: str) -> tuple[list[str], list[str]]:
    """(complaints about good ways, reports about bad ones) of the probe's output."""
    complaints, reports = [], []
    lines = output.splitlines()
    for line in lines:
        kind, rest = line.split(" ", 1)
        name, made, destroyed = rest.rsplit(" ", 2)
        if made == destroyed and int(made) > 0:
            if kind == "bad":
                reports.append(f"{name}: right with this compiler")
        elif kind == "good":
            complaints.append(f"{name}: {made} made, {destroyed} destroyed")
        else:
            reports.append(f"{name}: {made} made, {destroyed} destroyed, the bug is present")
    if sum(line.startswith("good ") for line in lines) < 4:
        complaints.append("the probe did not run to its end")
    return complaints, reports


def output_at(level: str) -> str:
    with tempfile.TemporaryDirectory() as directory:
        program = f"{directory}/probe"
        subprocess.run([COMPILER, "-std=c++23", level, "-w", str(PROBE), "-o", program], check=True)
        return subprocess.run([program], text=True, capture_output=True).stdout


class SelfTest(unittest.TestCase):
    def test_judgement(self) -> None:
        good = "good a b 2 2\n" * 4
        self.assertEqual(judge(good), ([], []))
        self.assertEqual(judge(good + "good named 2 3\n")[0], ["named: 2 made, 3 destroyed"])
        self.assertEqual(len(judge(good + "good none 0 0\n")[0]), 1)
        self.assertEqual(judge(good + "bad braces 2 3\n"), ([], ["braces: 2 made, 3 destroyed, the bug is present"]))
        self.assertEqual(judge("good a 1 1\n")[0], ["the probe did not run to its end"])


def tree() -> list[str]:
    out = []
    print(subprocess.run([COMPILER, "--version"], text=True, capture_output=True).stdout.splitlines()[0])
    for level in ("-O0", "-O2"):
        complaints, reports = judge(output_at(level))
        out += [f"{level}: {complaint}" for complaint in complaints]
        print("\n".join(f"{level}: {report}" for report in reports))
    return out


if __name__ == "__main__":
    checking.run(SelfTest, tree)
