"""Looks for secrets where none may be: as they are, and in each of the ways in which base64 and forms could hide them."""
import base64
import urllib.parse


def spellings(secret):
    """The octet strings of which one must occur wherever the secret does: raw, form-encoded, hexadecimal, and base64
    (both alphabets) at each of the three alignments that it can have inside a longer text."""
    raw = secret.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode(),
             urllib.parse.quote_plus(secret, safe="*").encode()}
    for lead in range(3):
        coded = base64.b64encode(b"\0" * lead + raw).rstrip(b"=")
        # The first characters mix with what stands before the secret, the last one or two with what follows it.
        skip_front = (0, 2, 3)[lead]
        skip_back = 1 if (lead + len(raw)) % 3 else 0
        core = coded[skip_front:len(coded) - skip_back]
        found |= {core, core.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def find(secrets, places):
    """[(place, label)] for each secret found. secrets: [(label, value)]; places: {name: octets}."""
    hits = []
    for label, value in secrets:
        for spelling in spellings(value):
            hits += [(place, label) for place, octets in places.items() if spelling in octets]
    return sorted(set(hits))
