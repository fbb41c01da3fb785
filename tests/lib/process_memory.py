"""Everything that a living process has in memory, as root sees it through /proc/PID/mem."""
import glob

LARGEST = 1 << 30  # bytes; the address sanitizer reserves terabytes that are never touched


def regions(pid):
    """(first address, last + 1, name) of every mapping that the process may read."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        for line in maps:
            span, access, *rest = line.split(maxsplit=5)
            begin, end = (int(address, 16) for address in span.split("-"))
            if access.startswith("r") and end - begin <= LARGEST:
                yield begin, end, rest[3].strip() if len(rest) > 3 else ""


def read_all(pid):
    """{name of the mapping with its address: octets}; what the kernel does not give out ([vvar]) is left out."""
    found = {}
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end, name in regions(pid):
            try:
                memory.seek(begin)
                found[f"{begin:x} {name or 'anonymous'}"] = memory.read(end - begin)
            except (OSError, ValueError, OverflowError):
                continue
    return found


def with_children(pid):
    """The process and those that it started and has not lost."""
    children = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):  # each thread has its own
        with open(path, encoding="ascii") as file:
            children += map(int, file.read().split())
    return [pid, *sorted(children)]


def status_number(pid, field):
    """A number of /proc/PID/status, e.g. VmLck in kB."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    raise AssertionError(f"no {field} in /proc/{pid}/status")
