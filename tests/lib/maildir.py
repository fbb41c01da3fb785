"""Reads a mirrored mailbox the way a judge does: every file, its name against the contract, its octets."""
import collections
import os
import re

from fakes.corpus import digest

NAME = re.compile(r"^(?P<date>\d+)\.V(?P<validity>\d+)U(?P<uid>\d+)\.(?P<host>[^,:]+),S=(?P<size>\d+)"
                  r"(?::2,(?P<flags>[A-Za-z]*))?$")

Mail = collections.namedtuple("Mail", "path folder subdir name")


def mails(mailbox_directory):
    """Every delivered message below the directory; `folder` is the Maildir that it lies in."""
    for directory, _, files in os.walk(mailbox_directory):
        parent, subdir = os.path.split(directory)
        if subdir in ("new", "cur"):
            for name in files:
                yield Mail(f"{directory}/{name}", os.path.relpath(parent, mailbox_directory), subdir, name)


def leftovers(mailbox_directory):
    """What lies in any tmp/, but for what FUSE keeps of files that were open when they were unlinked."""
    found = []
    for directory, _, files in os.walk(mailbox_directory):
        if os.path.basename(directory) == "tmp":
            found += [f"{directory}/{name}" for name in files if not name.startswith(".fuse_hidden")]
    return found


def read(path):
    with open(path, "rb") as file:
        return file.read()


def multiset(mailbox_directory):
    return collections.Counter(digest(read(mail.path)) for mail in mails(mailbox_directory))


def multisets_by_folder(mailbox_directory):
    """A list of one multiset for each Maildir that holds mail, in no order that means anything."""
    folders = collections.defaultdict(collections.Counter)
    for mail in mails(mailbox_directory):
        folders[mail.folder][digest(read(mail.path))] += 1
    return list(folders.values())


def count(mailbox_directory):
    return sum(1 for _ in mails(mailbox_directory))


def duplicates(mailbox_directory):
    """Identities (folder, UIDVALIDITY, UID) that more than one file has."""
    seen = collections.Counter()
    for mail in mails(mailbox_directory):
        if match := NAME.match(mail.name):
            seen[(mail.folder, match["validity"], match["uid"])] += 1
    return [identity for identity, times in seen.items() if times > 1]


def strangers(mailbox_directory, known):
    """Files whose octets are no message's of the multiset: torn ones."""
    return [mail.path for mail in mails(mailbox_directory) if digest(read(mail.path)) not in known]


def difference(got, want):
    """For a failure message: how many are missing, added, double."""
    missing, added = want - got, got - want
    double = sum(1 for times in got.values() if times > 1)
    return f"{sum(missing.values())} missing, {sum(added.values())} too many ({double} double), of {sum(want.values())}"
