"""What the checks share: where the sources are, and how one check runs: its self-test first, then the tree."""

import argparse
import pathlib
import sys
import unittest
from collections.abc import Callable, Iterable

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


def daemon_files() -> list[pathlib.Path]:
    return _sources(ROOT / "daemon")


def test_files() -> list[pathlib.Path]:
    return [path for path in _sources(ROOT / "tests") if "node_modules" not in path.parts]


def _sources(directory: pathlib.Path) -> list[pathlib.Path]:
    return sorted(path for path in directory.rglob("*") if path.suffix in (".h", ".cpp", ".cc"))


def relative(path: pathlib.Path) -> str:
    return str(path.relative_to(ROOT))


def arguments(**names: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name, explanation in names.items():
        parser.add_argument("--" + name, default="", help=explanation)
    return parser.parse_args()


def run(self_test: type[unittest.TestCase], complaints: Callable[[], Iterable[str]]) -> None:
    """Exits 1 when the self-test fails or the tree gives a complaint."""
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(self_test)
    if suite.countTestCases() == 0:
        sys.exit("no self-test")
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=0).run(suite)
    found = sorted(set(complaints()))
    for complaint in found:
        print(complaint)
    sys.exit(0 if result.wasSuccessful() and not found else 1)
