"""What not every system has is used in few places, each of which does without it where it is missing."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "octavo"

# What Windows or macOS lack -> where it is used, behind a guard. `make check` has mypy prove the guards for Windows.
GUARDED = {
    "fcntl": {"runs/lock.py"},
    "resource": {"system/hardware.py"},
    "os.O_DIRECTORY": {"formats/files.py"},
    "os.geteuid": {"bench/page.py"},
    "os.getloadavg": {"bench/suites.py"},
    "os.sched_getaffinity": {"system/threads.py"},
    "os.sysconf": {"system/hardware.py"},
    "signal.SIGHUP": {"training/signals.py"},
    "signal.SIG_BLOCK": {"experiments/processes.py"},
    "signal.pthread_sigmask": {"experiments/processes.py"},
    "/proc": {"system/cgroups.py", "system/hardware.py"},
    "/sys": {"system/cgroups.py"},
}
MODULES = {"curses", "fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
OF_OS = """
O_DIRECTORY O_NOFOLLOW O_NONBLOCK chown copy_file_range ctermid eventfd fchmod fchown fork forkpty getegid geteuid
getgid getgroups getloadavg getpgid getpgrp getpriority getsid getuid getxattr killpg lchown memfd_create mkfifo mknod
nice openpty posix_fadvise pread pwrite sched_getaffinity sched_setaffinity sendfile setpgid setpriority setsid
setxattr statvfs sync sysconf ttyname uname wait wait3 wait4 waitid
"""
OF_SIGNAL = """
SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 SIGWINCH SIG_BLOCK SIG_SETMASK
SIG_UNBLOCK alarm pause pthread_kill pthread_sigmask setitimer siginterrupt sigtimedwait sigwait
"""
NAMES = {"os": set(OF_OS.split()), "signal": set(OF_SIGNAL.split())}
DROPPED = """
aifc asynchat asyncore audioop cgi cgitb chunk crypt distutils imghdr imp lib2to3 mailcap msilib nis nntplib
ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib uu xdrlib
"""
FOLDERS = ("/dev/", "/etc/", "/home/", "/proc/", "/sys/", "/tmp/", "/usr/", "/var/")


def used(code: str) -> set[str]:
    """What of the above some code uses."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Import(names=names):
                found |= {name.name for name in names} & MODULES
            case ast.ImportFrom(module=module, names=names):
                found |= {module or ""} & MODULES
                found |= {f"{module}.{name.name}" for name in names if name.name in NAMES.get(module or "", ())}
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name in NAMES.get(module or "", ()):
                found.add(f"{module}.{name}")
            case ast.Constant(value=str(text)) if text.startswith(FOLDERS):
                found.add("/" + text.split("/")[1])
    return found


def test_what_a_system_may_lack_is_used_where_it_is_guarded_alone() -> None:
    places: dict[str, set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for name in used(path.read_text(encoding="utf-8")):
            places.setdefault(name, set()).add(path.relative_to(SOURCE).as_posix())
    assert places == GUARDED


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import os\nos.fork()", {"os.fork"}),
        ("from os import getuid as who", {"os.getuid"}),
        ("import pty, os.path", {"pty"}),
        ("from fcntl import flock", {"fcntl"}),
        ("import signal\nsignal.signal(signal.SIGHUP, print)\nsignal.SIGTERM", {"signal.SIGHUP"}),
        ("open('/dev/null')", {"/dev"}),
        ("'/devices are fine', path.chown", set()),
    ],
)
def test_the_search_finds_them(code: str, found: set[str]) -> None:
    assert used(code) == found


def test_no_module_that_a_newer_python_dropped() -> None:
    """3.12 and 3.13 have less of a standard library than 3.11."""
    imports = re.compile(r"^ *(?:import|from) (\w+)", re.MULTILINE)
    imported = {name for path in SOURCE.rglob("*.py") for name in imports.findall(path.read_text(encoding="utf-8"))}
    assert not imported & set(DROPPED.split())
    assert imported & sys.stdlib_module_names > {"os", "json", "re"}


def test_the_installation_goes_on_where_nothing_can_be_compiled() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extensions = project["tool"]["setuptools"]["ext-modules"]
    assert len(extensions) == 2
    assert all(extension["optional"] for extension in extensions)
