"""The keeper: a small process that owns the PostgreSQL server of a data directory while anybody uses it.

It starts the server, restarts it when it dies, and stops it when the last user is gone. What must be prepared
first (cluster, account, binaries, settings) is the business of `cluster`, which runs this file as a script:
`python -I -S keeper.py home=FD lock=FD postgres=PATH socket=PATH uid=N gid=N name=TEXT`. It imports a few
standard modules only, since its memory is paid for by every installation.

Three locks in the home directory `<data directory>/postgres` carry the whole protocol; the kernel releases
them whatever way a process dies:

- `keeper.lock`, exclusive: there is one keeper.
- `users.lock`, shared by each user; whoever gets it exclusively knows that nobody is left.
- `server.lock`, exclusive, inherited by every process of the server: whoever gets it knows that none is left.
"""

# pathlib would cost a third of the memory of this process.
# ruff: noqa: PTH102, PTH106, PTH108, PTH110, PTH115, PTH116, PTH208
from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import stat
import sys
import time
from typing import NamedTuple, NoReturn

KEEPER_LOCK = "keeper.lock"
USERS_LOCK = "users.lock"
SERVER_LOCK = "server.lock"
STATUS = "status"
LOG = "log"
DATA = "data"
PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"

STARTING, READY, FAILING, STOPPING = "starting", "ready", "failing", "stopping"

IDLE_GRACE = 2.0  # seconds without a user before the server is stopped
TICK = 0.5
SHUTDOWN_GRACE = 20.0  # an old server may be writing its last checkpoint
ORPHAN_GRACE = 1.0  # processes whose server is dead end by themselves, unless they are busy
STOP_GRACE = 60.0
LOG_LIMIT = 8 * 1024 * 1024

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


class Job(NamedTuple):
    """What to keep. `home` and `lock` are open descriptors; `uid` -1 means the account we run as."""

    home: int
    lock: int
    postgres: str
    socket: str
    uid: int
    gid: int
    name: str

    @classmethod
    def parse(cls, words: list[str]) -> Job:
        given = dict(word.split("=", 1) for word in words)
        return cls(
            home=int(given["home"]),
            lock=int(given["lock"]),
            postgres=given["postgres"],
            socket=given["socket"],
            uid=int(given["uid"]),
            gid=int(given["gid"]),
            name=given["name"],
        )

    def words(self) -> list[str]:
        return [f"{field}={value}" for field, value in self._asdict().items()]


def open_private(name: str, home: int, flags: int = os.O_RDWR | os.O_CREAT) -> int:
    """Open a file of the home directory, never through a link; a new one gets the owner of the directory."""
    descriptor = os.open(name, flags | os.O_NOFOLLOW, 0o600, dir_fd=home)
    if os.geteuid() == 0:
        owner = os.fstat(home)
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Take a lock without waiting; False when somebody else's is in the way."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def make_socket_dir(path: str, uid: int, gid: int) -> None:
    """Create the socket directory, or make sure that the one there is ours alone; else raises `OSError`."""
    owner = os.geteuid() if uid < 0 else uid
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != 0o700:
            raise
    else:
        if uid >= 0:
            os.chown(path, uid, gid, follow_symlinks=False)


def server_processes(data: int) -> list[int]:
    """The PostgreSQL processes that work in the directory `data` (a descriptor)."""
    here = os.fstat(data)
    found: list[int] = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            there = os.stat(f"/proc/{entry}/cwd")
            if (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino):
                continue
            program = os.readlink(f"/proc/{entry}/exe").removesuffix(" (deleted)")
            if program.rpartition("/")[2] == "postgres":
                found.append(int(entry))
    return found


def signal_all(processes: list[int], number: int) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def postmaster_state(data: int) -> tuple[int, str]:
    """Process id and state word of `postmaster.pid`; (0, "") when there is none."""
    try:
        descriptor = os.open("postmaster.pid", os.O_RDONLY | os.O_NOFOLLOW, dir_fd=data)
    except OSError:
        return 0, ""
    try:
        lines = os.read(descriptor, 4096).decode("utf-8", "replace").splitlines()
    finally:
        os.close(descriptor)
    pid = int(lines[0]) if lines and lines[0].strip().isdigit() else 0
    return pid, lines[7].strip() if len(lines) > 7 else ""


class Keeper:
    def __init__(self, job: Job) -> None:
        self.job = job
        self.data = os.open(DATA, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=job.home)
        self.users = open_private(USERS_LOCK, job.home)
        self.log = open_private(LOG, job.home, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.postmaster = 0
        self.failures = 0
        self.empty_since: float | None = None
        self.hurry = False

    def run(self) -> None:
        """Keep the server until nobody uses it any more."""
        os.dup2(self.log, 1)
        os.dup2(self.log, 2)
        # Orphaned backends become our children, so that they are reaped here and not left to process 1.
        self.libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        signal.pthread_sigmask(
            signal.SIG_BLOCK, (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        )
        try:
            while True:
                self.status(STARTING)
                self.clear_leftovers()
                self.try_launch()
                if self.watch() or self.pause():
                    break
            self.status(STOPPING)
            self.stop()
        finally:
            with contextlib.suppress(OSError):
                os.rmdir(self.job.socket)

    def say(self, text: str) -> None:
        now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        with contextlib.suppress(OSError):
            os.write(self.log, f"{now} [{os.getpid()}] keeper: {text}\n".encode())

    def status(self, word: str, detail: str = "") -> None:
        """Publish the state; readers never see half a line since the file is replaced."""
        fresh = f"{STATUS}.new"
        with contextlib.suppress(OSError):
            descriptor = open_private(fresh, self.job.home, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(descriptor, f"{os.getpid()} {word} {detail}\n".encode())
            os.close(descriptor)
            os.replace(fresh, STATUS, src_dir_fd=self.job.home, dst_dir_fd=self.job.home)

    def clear_leftovers(self) -> None:
        """Wait until no process of an earlier server is left, and remove what a dead one left behind."""
        lock = open_private(SERVER_LOCK, self.job.home)
        begun = time.monotonic()
        while not try_lock(lock):
            waited = time.monotonic() - begun
            processes = server_processes(self.data)
            orphaned = postmaster_state(self.data)[0] not in processes
            grace = ORPHAN_GRACE if orphaned else SHUTDOWN_GRACE
            if waited > grace:
                signal_all(processes, signal.SIGQUIT if waited < grace + 5 else signal.SIGKILL)
            time.sleep(0.05)
            self.reap()
        os.close(lock)
        # The lock proves that no server runs here: whoever owns the recorded process id now is a stranger.
        with contextlib.suppress(FileNotFoundError):
            os.unlink("postmaster.pid", dir_fd=self.data)
        for name in (SOCKET, f"{SOCKET}.lock"):
            with contextlib.suppress(OSError):
                os.unlink(f"{self.job.socket}/{name}")

    def try_launch(self) -> None:
        try:
            self.launch()
        except OSError as error:
            self.say(f"cannot start PostgreSQL: {error}")
            self.failures += 1
            self.status(FAILING, str(self.failures))

    def launch(self) -> None:
        make_socket_dir(self.job.socket, self.job.uid, self.job.gid)
        lock = open_private(SERVER_LOCK, self.job.home)
        fcntl.flock(lock, fcntl.LOCK_EX)
        keeper = os.getpid()
        pid = os.fork()
        if pid == 0:
            self.become_postgres(keeper, lock)
        # Ours must be closed: a lock is free when the last copy of its descriptor is gone.
        os.close(lock)
        self.postmaster = pid

    def become_postgres(self, keeper: int, lock: int) -> NoReturn:
        try:
            if self.job.uid >= 0:
                os.setgroups([self.job.gid])
                os.setgid(self.job.gid)
                os.setuid(self.job.uid)
            # After the change of account, which clears it. The server must not outlive its keeper.
            self.libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
            if os.getppid() != keeper:
                os._exit(1)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            os.umask(0o077)
            os.set_inheritable(self.data, True)
            os.set_inheritable(lock, True)
            # A path through the descriptor needs no permission on the directories above the data directory.
            words = [self.job.postgres, "-D", f"/proc/self/fd/{self.data}", "-k", self.job.socket]
            for setting in ("listen_addresses=", "unix_socket_permissions=0700", f"port={PORT}"):
                words += ["-c", setting]
            environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
            os.execve(self.job.postgres, words, environment)  # noqa: S606  # no shell is the point
        except BaseException as error:
            self.say(f"cannot run {self.job.postgres}: {error!r}")
        finally:
            os._exit(1)

    def watch(self) -> bool:
        """Watch the running server; True when nobody uses it any more, False when it is gone."""
        ready = False
        while self.postmaster:
            if not ready and postmaster_state(self.data) == (self.postmaster, "ready"):
                ready = True
                self.failures = 0
                self.status(READY)
            if self.nobody_left():
                return True
            if ready and not os.path.exists(f"{self.job.socket}/{SOCKET}"):
                self.say("the socket vanished; starting again")
                self.stop()
                return False
            self.rotate_log()
            self.sleep(TICK if ready else 0.02)
            if self.reap() and not ready:
                self.failures += 1
                self.status(FAILING, str(self.failures))
        return False

    def pause(self) -> bool:
        """Wait longer after each failed start; True when nobody waits for the server."""
        until = time.monotonic() + min(30.0, 0.25 * 2**self.failures if self.failures else 0.0)
        while (left := until - time.monotonic()) > 0:
            if self.nobody_left():
                return True
            self.sleep(min(TICK, left))
        return False

    def sleep(self, seconds: float) -> None:
        caught = signal.sigtimedwait((signal.SIGCHLD, signal.SIGTERM), seconds)
        if caught is not None and caught.si_signo == signal.SIGTERM:
            self.hurry = True

    def nobody_left(self) -> bool:
        """True when there has been no user for a while (in a hurry: now); then none can come any more."""
        if not try_lock(self.users):
            self.empty_since = None
            return False
        now = time.monotonic()
        self.empty_since = now if self.empty_since is None else self.empty_since
        if self.hurry or now - self.empty_since >= IDLE_GRACE:
            return True
        fcntl.flock(self.users, fcntl.LOCK_UN)
        return False

    def reap(self) -> bool:
        """Collect ended children; True when the server was among them."""
        ended = False
        while True:
            try:
                pid, code = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return ended
            if pid == 0:
                return ended
            if pid == self.postmaster:
                ended = True
                self.postmaster = 0
                self.say(f"PostgreSQL ended ({os.waitstatus_to_exitcode(code)})")

    def stop(self) -> None:
        """Stop the server: in order, then hard."""
        begun = time.monotonic()
        for number, grace in ((signal.SIGINT, STOP_GRACE), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
            if not self.postmaster:
                break
            os.kill(self.postmaster, number)
            while self.postmaster and time.monotonic() - begun < grace:
                time.sleep(0.01)
                self.reap()
            begun = time.monotonic()
        # The directory may be deleted by now.
        with contextlib.suppress(FileNotFoundError):
            self.clear_leftovers()

    def rotate_log(self) -> None:
        """Keep one older log of the same size; the server goes on writing to the same file."""
        if os.fstat(self.log).st_size <= LOG_LIMIT:
            return
        with contextlib.suppress(OSError):
            source = os.open(LOG, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self.job.home)
            target = open_private(f"{LOG}.1", self.job.home, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            while block := os.read(source, 65536):
                os.write(target, block)
            os.ftruncate(self.log, 0)
            os.close(source)
            os.close(target)


def main() -> None:
    job = Job.parse(sys.argv[1:])
    # The starter waits for this process only; the keeper itself belongs to nobody.
    if os.fork():
        os._exit(0)
    os.set_inheritable(job.home, False)
    os.set_inheritable(job.lock, False)
    os.chdir("/")
    Keeper(job).run()


if __name__ == "__main__":
    main()
