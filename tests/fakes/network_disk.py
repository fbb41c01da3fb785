"""A file system that behaves as NFS does where that differs from a local disk, mounted by FUSE over a directory.

    disk = NetworkDisk(directory, place)   # NoFuse where this machine has none
    disk.faults(True)
    disk.met()                             # Counter: fault → how often
    disk.close()

As NFS it has no RENAME_NOREPLACE and no syncfs(2) that can be relied on, and keeps a file that is unlinked while somebody
has it open under a name that begins with a dot (".fuse_hidden…", in place of ".nfs…"). With its faults switched on:
  rename, link, unlink, mkdir, create   done, and the answer lost: asked again by the kernel, it says ENOENT or EEXIST
  close                                 what was written is lost in part; who syncs the file later is not told
  fsync                                 EIO
  stale, timeout                        ESTALE, or ETIMEDOUT of a soft mount, of any call, which is not done
"""
import collections
import errno
import json
import os
import random
import subprocess
import sys

try:
    import fusepy as fuse  # Debian's name for it
except (ImportError, OSError):  # it, or its library
    fuse = None
Operations = fuse.Operations if fuse else object

# Of the package, whichever runs the test.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# One call in so many, of those that it can happen to.
ODDS = {"rename": 4, "link": 3, "unlink": 8, "mkdir": 3, "create": 25, "close": 12, "fsync": 25, "stale": 400,
        "timeout": 400}


class NoFuse(Exception):
    pass


class NetworkDisk:
    def __init__(self, directory, place, seed=1):
        from lib.processes import Child, wait_until  # the process below needs none of it
        has_it = subprocess.run([PYTHON, "-c", "import fusepy"], capture_output=True, check=False).returncode == 0
        if not has_it or os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
            raise NoFuse("no FUSE here: that needs root, /dev/fuse and the package python3-fusepy")
        self._place, self._switch, self._report = place, f"{directory}/faults", f"{directory}/report"
        self.backing = f"{directory}/backing"
        os.makedirs(self.backing)
        self._child = Child([PYTHON, "-m", "fakes.network_disk", self.backing, place, self._switch, self._report,
                             str(seed)], f"{directory}/log", cwd=TESTS)
        wait_until(lambda: os.path.ismount(place) or not self._child.running(), 20, "the mount")
        if not os.path.ismount(place):
            raise NoFuse(f"FUSE does not mount here: {self._child.output()}")

    def faults(self, are_on):
        if are_on:
            with open(self._switch, "wb"):
                pass
        elif os.path.exists(self._switch):
            os.unlink(self._switch)

    def met(self):
        if not os.path.exists(self._report):
            return collections.Counter()
        with open(self._report, encoding="ascii") as file:
            return collections.Counter(json.loads(line) for line in file)

    def close(self):
        self.faults(False)
        subprocess.run(["umount", "-l", self._place], check=False)
        self._child.stop()


class _Files(Operations):
    """One call at a time."""
    use_ns = True

    def __init__(self, backing, switch, report, seed):
        self._backing, self._switch = backing, switch
        self._report = open(report, "w", encoding="ascii", buffering=1)  # pylint: disable=consider-using-with
        self._pick = random.Random(seed)
        self._written = set()

    def __call__(self, operation, path, *arguments):
        where = self._backing + path
        if operation not in ("destroy", "init", "release", "statfs"):
            for kind, error in (("stale", errno.ESTALE), ("timeout", errno.ETIMEDOUT)):
                self._fail(kind, error)
        if not hasattr(self, operation):
            raise fuse.FuseOSError(errno.ENOSYS)
        return getattr(self, operation)(where, *arguments)

    def _happens(self, kind):
        if not os.path.exists(self._switch) or self._pick.randrange(ODDS[kind]) != 0:
            return False
        self._report.write(json.dumps(kind) + "\n")
        return True

    def _fail(self, kind, error):
        if self._happens(kind):
            raise fuse.FuseOSError(error)

    def init(self, where):
        pass

    def destroy(self, where):
        pass

    def access(self, where, mode):
        pass

    def getattr(self, where, descriptor=None):
        about = os.lstat(where) if descriptor is None else os.fstat(descriptor)
        found = {f"st_{key}": getattr(about, f"st_{key}")
                 for key in ("mode", "nlink", "uid", "gid", "size", "ino", "dev", "blocks")}
        return {**found, **{f"st_{key}": getattr(about, f"st_{key}_ns") for key in ("atime", "mtime", "ctime")}}

    def readdir(self, where, descriptor):
        return [".", "..", *os.listdir(where)]

    def readlink(self, where):
        return os.readlink(where)

    def statfs(self, where):
        about = os.statvfs(where)
        return {key: getattr(about, key) for key in ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_favail", "f_ffree",
                                                     "f_files", "f_flag", "f_frsize", "f_namemax")}

    def chmod(self, where, mode):
        os.chmod(where, mode)

    def chown(self, where, user, group):
        os.chown(where, user, group)

    def utimens(self, where, times=None):
        os.utime(where, ns=times)

    def truncate(self, where, length, descriptor=None):
        os.truncate(where if descriptor is None else descriptor, length)

    # --- names ---------------------------------------------------------------------------------------------------

    def mkdir(self, where, mode):
        os.mkdir(where, mode)
        self._fail("mkdir", errno.EEXIST)

    def rmdir(self, where):
        os.rmdir(where)

    def rename(self, old, new):
        """`new` is where it goes: fusepy gives the second path as it is."""
        os.rename(old, self._backing + new)
        self._fail("rename", errno.ENOENT)

    def link(self, where, source):
        os.link(self._backing + source, where)
        self._fail("link", errno.EEXIST)

    def symlink(self, where, target):
        os.symlink(target, where)

    def unlink(self, where):
        os.unlink(where)
        self._fail("unlink", errno.ENOENT)

    # --- octets --------------------------------------------------------------------------------------------------

    def create(self, where, mode):
        descriptor = os.open(where, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        if self._happens("create"):
            os.close(descriptor)
            raise fuse.FuseOSError(errno.EEXIST)
        return descriptor

    def open(self, where, flags):
        return os.open(where, flags & ~(os.O_CREAT | os.O_EXCL))

    def read(self, where, size, offset, descriptor):
        return os.pread(descriptor, size, offset)

    def write(self, where, octets, offset, descriptor):
        self._written.add(descriptor)
        return os.pwrite(descriptor, octets, offset)

    def flush(self, where, descriptor):
        if descriptor in self._written and self._happens("close"):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            raise fuse.FuseOSError(errno.EDQUOT)

    def fsync(self, where, only_data, descriptor):
        self._fail("fsync", errno.EIO)

    def fsyncdir(self, where, only_data, descriptor):
        self._fail("fsync", errno.EIO)

    def opendir(self, where):
        return 0

    def releasedir(self, where, descriptor):
        pass

    def release(self, where, descriptor):
        os.close(descriptor)
        self._written.discard(descriptor)


if __name__ == "__main__":
    _BACKING, _PLACE, _SWITCH, _REPORT, _SEED = sys.argv[1:]
    fuse.FUSE(_Files(_BACKING, _SWITCH, _REPORT, int(_SEED)), _PLACE, foreground=True, nothreads=True, use_ino=True,
              big_writes=True, attr_timeout=0, entry_timeout=0, fsname="network_disk")
