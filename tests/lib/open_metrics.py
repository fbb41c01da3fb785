"""Reads OpenMetrics text 1.0.0 as strictly as the specification is written, with Python's standard library only.

    families = open_metrics.parse(text)      # ValueError names the line that is wrong
    families["mailmoor_errors"].samples      # {("mailmoor_errors_total", (("kind", "host"),)): 3.0}
"""
import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
METADATA = re.compile(rf"# (TYPE|UNIT|HELP) ({NAME}) (.*)")
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?|\+Inf|-Inf|NaN")
# What the names of a family's samples may end with.
SUFFIXES = {"gauge": ("",), "counter": ("_total", "_created"), "info": ("_info",),
            "histogram": ("_bucket", "_count", "_sum", "_created")}


class Family:
    def __init__(self, name):
        self.name, self.type, self.unit, self.help = name, None, None, None
        self.samples = {}  # (name, labels) → value, in order


def parse(text):
    if not text.endswith("# EOF\n"):
        raise ValueError("no # EOF at the end")
    families, current = {}, None
    for number, line in enumerate(text[:-len("# EOF\n")].split("\n")[:-1], 1):
        try:
            if line.startswith("#"):
                current = _metadata(line, families, current)
            else:
                _sample(line, current)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}: {line!r}") from None
    for family in families.values():
        _check(family)
    return families


def _metadata(line, families, current):
    match = METADATA.fullmatch(line)
    if not match:
        raise ValueError("no metadata that the format knows")
    kind, name, value = match.groups()
    if current is None or current.name != name:
        if name in families:
            raise ValueError("the family was there before")
        current = families[name] = Family(name)
    elif current.samples:
        raise ValueError("metadata after a sample")
    if getattr(current, kind.lower()) is not None:
        raise ValueError(f"a second {kind}")
    if kind == "TYPE" and value not in SUFFIXES:
        raise ValueError("a type that is not expected here")
    if kind == "UNIT" and not name.endswith("_" + value):
        raise ValueError("the name does not end with its unit")
    if kind == "HELP" and re.search(r'(?<!\\)(\\\\)*"', value):
        raise ValueError("a quotation mark that is not escaped")
    setattr(current, kind.lower(), value)
    return current


def _labels(text):
    labels, at = [], 0
    while text is not None and at < len(text):
        match = LABEL.match(text, at)
        if not match:
            raise ValueError("a label is wrong")
        labels.append((match[1], match[2]))
        at = match.end()
        if at < len(text) and text[at] != ",":
            raise ValueError("no comma between labels")
        at += 1
    if text is not None and (not text or text.endswith(",")):
        raise ValueError("braces with a label missing")
    if len({name for name, _ in labels}) != len(labels):
        raise ValueError("a label twice")
    return tuple(labels)


def _sample(line, family):
    match = SAMPLE.fullmatch(line)
    if not match or not NUMBER.fullmatch(match[3]):
        raise ValueError("no sample")
    if family is None or not match[1].startswith(family.name):
        raise ValueError("a sample outside its family")
    if family.type is None or match[1][len(family.name):] not in SUFFIXES[family.type]:
        raise ValueError(f"not the name of a sample of a {family.type}")
    key = (match[1], _labels(match[2]))
    if key in family.samples:
        raise ValueError("the series was there before")
    family.samples[key] = float(match[3].replace("Inf", "inf"))


def _check(family):
    values = family.samples.values()
    if family.type is None or not family.help:
        raise ValueError(f"{family.name}: no type or no help")
    if family.type == "counter" and not all(value >= 0 and math.isfinite(value) for value in values):
        raise ValueError(f"{family.name}: a counter that is negative or no number")
    if family.type == "info" and set(values) - {1.0}:
        raise ValueError(f"{family.name}: an info is 1")
    if family.type == "histogram":
        _check_histogram(family)


def _check_histogram(family):
    buckets = []
    for (name, labels), value in family.samples.items():
        if name.endswith("_bucket"):
            bound = dict(labels)["le"]
            if bound != "+Inf" and ("." not in bound or float(bound) != float(f"{float(bound):.17g}")):
                raise ValueError(f"{family.name}: le={bound} is not in canonical form")
            buckets.append((float(bound.replace("Inf", "inf")), value))
    count = family.samples.get((family.name + "_count", ()))
    if buckets != sorted(buckets) or not buckets or buckets[-1][0] != math.inf:
        raise ValueError(f"{family.name}: buckets out of order, shrinking, or without +Inf")
    if buckets[-1][1] != count or (family.name + "_sum", ()) not in family.samples:
        raise ValueError(f"{family.name}: count is not the last bucket, or no sum")
