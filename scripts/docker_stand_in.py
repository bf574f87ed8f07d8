#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docker build, run, exec, inspect, logs and stop, as far as deploy/docker and docs/install.md ask for them.

For machines without docker and registry: a debootstrap root is the base image, and chroot, namespaces
and setpriv do the rest; unlike docker's there is no seccomp profile, no memory limit and no network of
the container's own. What it does not know, it refuses. One image, one container; what they are stands in
the directory $DOCKER_STATE, which has base.tar. Needs root.
"""

import argparse
import fnmatch
import glob
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

STATE = Path(os.environ["DOCKER_STATE"])
BASE = "debian:bookworm-slim"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
SLIM = "path-exclude /usr/share/doc/*\npath-exclude /usr/share/man/*\n"


def call(*arguments):
    subprocess.run([str(one) for one in arguments], check=True)


# --- build ---


def instructions(dockerfile):
    """(WORD, the rest) of each line; comments go, also within one that goes on."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


class Stage:
    """An image under way: a root, and what a container of it is to be."""

    def __init__(self, base):
        if base != BASE:
            sys.exit(f"docker: FROM {base}: there is only {BASE}")
        self.root = STATE / f"stage{time.monotonic_ns()}"
        self.root.mkdir()
        call("tar", "-C", self.root, "-xf", STATE / "base.tar")
        self.root.chmod(0o755)
        for sources in glob.glob("/etc/apt/sources.list*"):
            call("cp", "-r", sources, self.root / "etc/apt/")
        (self.root / "etc/dpkg/dpkg.cfg.d/docker").write_text(SLIM)
        self.workdir = "/"
        self.config = {"env": {"PATH": PATH}, "user": "0:0", "cmd": [], "healthcheck": []}

    def run(self, rest):
        environment = {"HOME": "/root", **self.config["env"]}
        call("mount", "-t", "proc", "proc", self.root / "proc")
        try:
            subprocess.run(["chroot", self.root, "sh", "-c", f"cd {self.workdir} && {rest}"],
                           check=True, env=environment)
        finally:
            call("umount", "-l", self.root / "proc")

    def copy(self, source, target, excluded):
        inside = self.root / os.path.join(self.workdir, target).lstrip("/")
        if Path(source).is_dir():
            shutil.copytree(source, inside, symlinks=True, dirs_exist_ok=True, ignore=excluded)
            return
        for path in glob.glob(source) or sys.exit(f"docker: COPY {source}: nothing is there"):
            shutil.copy(path, inside)


def ignored(context):
    """What .dockerignore leaves out, as shutil.copytree asks for it."""
    patterns = (context / ".dockerignore").read_text().split()
    anywhere = [one.removeprefix("**/") for one in patterns if one.startswith("**/")]

    def names(directory, entries):
        here = Path(directory).relative_to(context)
        return [name for name in entries
                if any(fnmatch.fnmatch(name, one) for one in anywhere)
                or any(fnmatch.fnmatch(str(here / name), one) for one in patterns)]

    return names


def carry_out(stages, stage, word, rest, context):
    if word == "WORKDIR":
        stage.workdir = rest
        (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif word == "RUN":
        stage.run(rest)
    elif word == "COPY" and rest.startswith("--from="):
        source, path, target = rest.removeprefix("--from=").split()
        stage.copy(f"{stages[source].root}{path}", target, None)
    elif word == "COPY":
        source, target = rest.split()
        stage.copy(str(context / source), target, ignored(context))
    elif word == "ENV":
        stage.config["env"].update(pair.split("=", 1) for pair in shlex.split(rest))
    elif word == "USER":
        stage.config["user"] = rest
    elif word == "CMD":
        stage.config["cmd"] = json.loads(rest)
    elif word == "HEALTHCHECK":
        stage.config["healthcheck"] = json.loads(rest.partition("CMD ")[2])
    elif word not in ("VOLUME", "EXPOSE"):
        sys.exit(f"docker: {word} is not known here")


def build(options):
    stages, stage = {}, None
    context = Path(options.context).resolve()
    for word, rest in instructions(Path(options.file).read_text()):
        print(f"-- {word} {rest[:90]}", flush=True)
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stage = stages[name or "last"] = Stage(base)
        else:
            carry_out(stages, stage, word, rest, context)
    (STATE / "image.json").write_text(json.dumps({**stage.config, "root": str(stage.root)}))


# --- run ---


def image():
    return json.loads((STATE / "image.json").read_text())


def as_user(config, privileges):
    """The command that becomes the image's user with the image's environment, inside its root."""
    uid, gid = config["user"].split(":")
    variables = [f"{name}={value}" for name, value in config["env"].items()]
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *privileges,
            "env", "-i", *variables]


def mounts_of(options, root):
    """(arguments of mount, target) of each tmpfs and volume; a new volume is filled as docker does."""
    for text in options.tmpfs:
        target, _, more = text.partition(":")
        yield ["-t", "tmpfs", "-o", ",".join(filter(None, ["nosuid,nodev,noexec", more])), "tmpfs"], target
    for text in options.volume:
        source, target, *mode = text.split(":")
        if "/" not in source:
            volume = STATE / "volumes" / source
            if not volume.exists():
                volume.parent.mkdir(exist_ok=True)
                call("cp", "-a", root + target, volume)
            source = str(volume)
        yield ["--bind", source], target
        if mode == ["ro"]:
            yield ["-o", "remount,bind,ro"], target


def run(options):
    config = image()
    if options.cap_drop != ["ALL"]:
        sys.exit("docker: a container runs here only without capabilities: --cap-drop ALL")
    privileges = ["--bounding-set=-all", "--inh-caps=-all"]
    if "no-new-privileges" in options.security_opt:
        privileges.append("--no-new-privs")
    config["env"].update(one.split("=", 1) for one in options.env)
    config["privileges"] = privileges
    root = config["root"]
    spec = {"root": root, "read_only": options.read_only, "mounts": list(mounts_of(options, root)),
            "command": as_user(config, privileges) + (options.command or config["cmd"])}
    for old in (STATE / "pid", STATE / "exit"):
        old.unlink(missing_ok=True)
    with open(STATE / "log", "wb") as log:
        subprocess.Popen(
            ["sh", "-c", '"$@"; echo $? > "$0"', STATE / "exit",
             *shlex.split(os.environ.get("DOCKER_INTO", "")),
             "unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child",
             sys.executable, __file__, "contain", json.dumps(spec)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    while not (STATE / "pid").exists():
        if (STATE / "exit").exists():
            sys.exit((STATE / "log").read_text())
        time.sleep(0.01)
    config["pid"] = int((STATE / "pid").read_text())
    (STATE / "container.json").write_text(json.dumps(config))


def contain(options):
    """Process 1 of the container: makes its file system and becomes its command."""
    spec = json.loads(options.spec)
    root = spec["root"]
    pid = os.readlink("/proc/self")  # as the outside knows it: /proc is still the outside's
    call("mount", "--make-rprivate", "/")
    call("mount", "--bind", root, root)
    call("mount", "-t", "proc", "proc", f"{root}/proc")
    call("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", f"{root}/dev")
    for device in DEVICES:
        Path(f"{root}/dev/{device}").touch()
        call("mount", "--bind", f"/dev/{device}", f"{root}/dev/{device}")
    for how, target in spec["mounts"]:
        place = Path(root + target)
        if not place.exists() and Path(how[-1]).is_file():
            place.touch()
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            place.mkdir()
        call("mount", *how, place)
    if spec["read_only"]:
        call("mount", "-o", "remount,bind,ro", root)
    (STATE / "pid.new").write_text(pid)
    (STATE / "pid.new").rename(STATE / "pid")
    os.chroot(root)
    os.chdir("/")
    os.execvp(spec["command"][0], spec["command"])


def container():
    return json.loads((STATE / "container.json").read_text())


def inside(config, command):
    """A command beside the container's own."""
    return ["nsenter", f"--target={config['pid']}", "--mount", "--pid", "--ipc", "--uts", "--net",
            "--root", "--wd=/", *as_user(config, config["privileges"]), *command]


def execute(options):
    command = inside(container(), options.command)
    os.execvp(command[0], command)


def health(_options):
    """Its health check, once: docker inspect --format '{{.State.Health.Status}}'."""
    config = container()
    done = subprocess.run(inside(config, config["healthcheck"]), check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print("healthy" if done.returncode == 0 else "unhealthy")


def logs(_options):
    sys.stdout.write((STATE / "log").read_text())


def stop(_options):
    """Ends with the container's exit status."""
    os.kill(container()["pid"], signal.SIGTERM)
    while not (STATE / "exit").exists() or not (STATE / "exit").read_text():
        time.sleep(0.02)
    sys.exit(int((STATE / "exit").read_text()))


def parse():
    parser = argparse.ArgumentParser(prog="docker")
    verbs = parser.add_subparsers(required=True)

    def verb(name, function, *with_name):
        one = verbs.add_parser(name)
        one.set_defaults(function=function)
        for argument in with_name:
            one.add_argument(argument)
        return one

    one = verb("build", build)
    one.add_argument("-f", dest="file", required=True)
    one.add_argument("-t", choices=["satellite"], required=True)
    one.add_argument("context")
    one = verb("run", run)
    one.add_argument("-d", action="store_true", required=True)
    one.add_argument("--name", choices=["satellite"], required=True)
    one.add_argument("--read-only", action="store_true")
    one.add_argument("--cap-drop", action="append")
    one.add_argument("--security-opt", action="append", default=[], choices=["no-new-privileges"])
    one.add_argument("--tmpfs", action="append", default=[])
    one.add_argument("--volume", "-v", action="append", default=[])
    one.add_argument("--env", "-e", action="append", default=[])
    one.add_argument("--stop-timeout", type=int)
    one.add_argument("image", choices=["satellite"])
    one.add_argument("command", nargs=argparse.REMAINDER)
    verb("exec", execute, "container").add_argument("command", nargs=argparse.REMAINDER)
    verb("logs", logs, "container")
    verb("stop", stop, "container")
    verb("inspect", health, "container")
    verb("contain", contain, "spec")
    return parser.parse_args()


parsed = parse()
parsed.function(parsed)
