# SPDX-License-Identifier: Apache-2.0
"""The file tree of the image: packages, less what a plugin has no use for, plus our own files."""
import fnmatch
import os
import re
import shutil
import stat

from .common import BuildError, run

OWN_MODULES = ["vortex_harness.py", "vortex_failure.py"]
OWN_FILES = ["harness.py"] + OWN_MODULES

# Parts of the standard library that a plugin has no use for, or that only make sense on a whole system.
DROPPED = ["config-*", "ctypes/macholib", "curses", "distutils", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "test",
           "tkinter", "_pyrepl", "turtledemo", "turtle.py", "antigravity.py", "this.py", "__phello__", "sitecustomize.py",
           "EXTERNALLY-MANAGED", "LICENSE.txt"]
# Extension modules whose libraries (readline, ncurses, nis, dbm, crypt) are left out, and CPython's own tests.
DROPPED_MODULES = ["readline", "_curses", "_curses_panel", "nis", "_dbm", "_gdbm", "_tkinter", "_crypt", "ossaudiodev",
                   "_test*", "_ctypes_test", "_xxtestfuzz", "xxlimited*"]
# Of libc6 and libssl3: debugging aids, account databases, vector mathematics for Fortran and hardware engines.
DROPPED_LIBRARIES = ["libBrokenLocale*", "libc_malloc_debug*", "libmemusage*", "libpcprofile*", "libthread_db*", "libnsl*",
                     "libnss_compat*", "libnss_hesiod*", "libmvec*", "libexpatw*", "engines-3", "gconv", "audit"]
FORBIDDEN_NAMES = {"sh", "bash", "dash", "busybox", "perl", "apt", "apt-get", "dpkg", "passwd", "shadow", "su", "sudo"}


def remove(paths):
    for path in paths:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def matching(directory, pattern):
    """Like glob, but with symbolic links that point nowhere, or to a file of the host."""
    below = directory / pattern
    return [path for path in below.parent.iterdir() if fnmatch.fnmatchcase(path.name, below.name)]


def prune(root, python):
    """Leaves what python needs to run: its library, the shared libraries and the loader."""
    # Merged /usr, as Debian has it: some packages still put files into /lib.
    for name in ("lib", "lib64", "bin", "sbin"):
        top = root / name
        if top.is_dir() and not top.is_symlink():
            shutil.copytree(top, root / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(top)
    for name in ("etc", "var", "usr/share", "usr/sbin", "usr/lib/binfmt.d", "usr/lib/locale", "usr/lib/ssl"):
        shutil.rmtree(root / name, ignore_errors=True)
    remove(path for path in (root / "usr/bin").iterdir() if path.name != python)
    (root / "usr/bin/python3").symlink_to(python)
    library = root / "usr/lib" / python
    for pattern in DROPPED:
        remove(matching(library, pattern))
    for module in DROPPED_MODULES:
        remove(matching(library / "lib-dynload", module + ".cpython-*.so"))
    for pattern in DROPPED_LIBRARIES:
        for directory in root.glob("usr/lib/*-linux-gnu*"):
            remove(matching(directory, pattern))
    remove(list(library.rglob("__pycache__")))


def install_own(root, sources, init):
    own = root / "usr/lib/vortex"
    own.mkdir(parents=True)
    shutil.copyfile(init, own / "init")
    (own / "init").chmod(0o755)
    for name in OWN_FILES:
        shutil.copyfile(sources / name, own / name)
    # Mount points: the root file system is read-only when the runtime wants them.
    for name in ("plugin", "mnt", "tmp", "proc", "sys", "dev"):
        (root / name).mkdir()
    for name in ("lib", "lib64", "bin"):
        if (root / "usr" / name).is_dir():
            (root / name).symlink_to("usr/" + name)


def compile_modules(root, python):
    """Byte code beside the sources, valid whatever their times are: nothing is compiled or written at run time. By the
    image's own interpreter, so that the host's may be another one."""
    code = ("import py_compile, sys\n"
            "mode = py_compile.PycInvalidationMode.UNCHECKED_HASH\n"
            "for line in sys.stdin:\n"
            "    path, shown = line.rstrip('\\n').split('\\t')\n"
            "    py_compile.compile(path, dfile=shown, doraise=True, optimize=0, invalidation_mode=mode)\n")
    library = root / "usr/lib" / python
    modules = sorted(library.rglob("*.py")) + [root / "usr/lib/vortex" / name for name in OWN_MODULES]
    loader = next(root.glob("usr/lib/*-linux-gnu*/ld-linux*.so.*"), None)
    if loader is None:
        raise BuildError("the package libc6 has no dynamic loader where it is expected (usr/lib/*-linux-gnu/ld-linux*)")
    run([str(loader), "--library-path", str(loader.parent), str(root / "usr/bin" / python), "-S", "-s", "-B", "-c", code],
        stdin="".join("%s\t/%s\n" % (path, path.relative_to(root)) for path in modules),
        env={"PYTHONHOME": str(root / "usr"), "PYTHONPATH": "", "PYTHONHASHSEED": "0"})


def entries(root):
    return sorted(root.rglob("*"), key=lambda path: path.relative_to(root).as_posix())


def check(root):
    """What the image promises. A release that breaks it is noticed here, not by a plugin."""
    have = {path.name for path in root.rglob("*") if ".so" in path.name}
    for path in entries(root):
        name = path.relative_to(root)
        mode = path.lstat().st_mode
        if mode & (stat.S_ISUID | stat.S_ISGID):
            raise BuildError("/%s is setuid or setgid" % name)
        if path.name in FORBIDDEN_NAMES:
            raise BuildError("/%s must not be in the image" % name)
        if stat.S_ISLNK(mode):
            # As seen from inside, where / is the root of the tree.
            target = os.readlink(path)
            if not (root / target.lstrip("/") if target.startswith("/") else path.parent / target).exists():
                raise BuildError("/%s points at %s, which is not in the image" % (name, target))
        elif stat.S_ISREG(mode):
            with open(path, "rb") as file:
                if file.read(4) != b"\x7fELF":
                    continue
            for needed in re.findall(r"\(NEEDED\)\s+Shared library: \[(.+?)\]", run(["readelf", "-d", str(path)])):
                if needed not in have:
                    raise BuildError("/%s needs %s, which no package of the image has" % (name, needed))


def assemble(root, python, debs, sources, init):
    root.mkdir()
    for deb in debs:
        run(["dpkg-deb", "-x", str(deb), str(root)])
    prune(root, python)
    install_own(root, sources, init)
    compile_modules(root, python)
    check(root)
