#!/usr/bin/env python3
"""What a day's change of a long list of two authorities costs: octets on the wire, time, memory.

    cargo build --release && benches/delta.py [NAMES]     # five million by default

Two authorities with keys of their own propose, build, sign and publish NAMES names of random letters; a box takes them.
The next day one name in a hundred has gone and as many have come, and the box takes what changed. Both authorities build
in folders of their own, and their octets must be equal. Traffic stays on loopback.
"""
import functools
import hashlib
import http.server
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.path.join(HERE, "..", "target", "release", "luytre")
DAY = "2026-11-26"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


class Web(http.server.SimpleHTTPRequestHandler):
    """A plain web server that counts what it sends."""

    sent = 0

    def copyfile(self, source, outputfile):
        octets = source.read()
        Web.sent += len(octets)
        outputfile.write(octets)

    def log_message(self, *_):
        pass


def luytre(*arguments):
    """Runs the program; what it said, seconds, seconds of processor, peak memory in KiB."""
    began = time.monotonic()
    process = subprocess.Popen([BINARY, *arguments], stdout=subprocess.PIPE, text=True)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.stdout.close()
    if status != 0:
        sys.exit(f"luytre {' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    return said, time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def found(folder):
    """An authority with a repository; returns the address of its web server."""
    key = functools.partial(os.path.join, folder)
    os.makedirs(folder)
    for role in ("officer1", "officer2", "targets", "snapshot", "timestamp"):
        luytre("hub", "key", "new", key(role))

    def public(role):
        return luytre("hub", "key", "show", key(role))[0].splitlines()[0].removeprefix("public ")

    roles = [("root", "officer1"), ("root", "officer2"), *((role, role) for role in ("targets", "snapshot", "timestamp"))]
    keys = [argument for role, name in roles for argument in (f"--{role}-key", public(name))]
    luytre("hub", "root", "new", "-o", key("root.json"), *keys)
    for officer in ("officer1", "officer2"):
        luytre("hub", "sign", key("root.json"), "--key", key(officer))
    luytre("hub", "publish", key("repository"), "--root", key("root.json"))
    handler = functools.partial(Web, directory=key("repository"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/"


def propose(folder, names):
    os.makedirs(folder, exist_ok=True)
    text = "".join(f"{name}\n" for name in names).encode()
    with open(os.path.join(folder, "many.txt"), "wb") as file:
        file.write(text)
    with open(os.path.join(folder, "bulk.toml"), "w", encoding="utf-8") as file:
        file.write(
            f'schema = "proposals/1"\n[[bulk]]\nnames = "many.txt"\nsha256 = "{hashlib.sha256(text).hexdigest()}"\n'
            'match = "suffix"\ncategory = "gambling"\nreason = "list"\nproposer = "desk"\n'
            'issued = "2026-11-01"\nexpires = "2027-03-01"\n'
        )


def release(folder, number, earlier=None):
    """Builds on both sides, compares, signs and publishes."""
    digests = []
    for side in ("a", "b"):
        out = os.path.join(folder, f"{number}-{side}")
        older = [] if earlier is None else ["--earlier", os.path.join(folder, f"{earlier}-{side}")]
        _, took, _, peak = luytre("hub", "build", os.path.join(folder, "proposals"), "--day", DAY, "-o", out, *older)
        print(f"release {number}, {side}: built in {took:.1f} s, {peak:,} KiB peak")
        digests.append({
            name: hashlib.sha256(open(os.path.join(out, name), "rb").read()).hexdigest() for name in sorted(os.listdir(out))
        })
        keys = [
            argument
            for role in ("targets", "snapshot", "timestamp")
            for argument in (f"--{role}-key", os.path.join(folder, side, role))
        ]
        luytre("hub", "publish", os.path.join(folder, side, "repository"), *keys, "--release", out)
    if digests[0] != digests[1]:
        sys.exit("the two sides built different files")
    print(f"release {number}: {len(digests[0])} files, equal octets on both sides")


def update(config):
    Web.sent = 0
    said, took, cpu, peak = luytre("-c", config, "lists", "update")
    print(f"{said.strip()}: {Web.sent:,} octets, {took:.2f} s, {cpu:.2f} s of processor, {peak:,} KiB peak")
    return Web.sent


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    draw = random.Random(7)

    def fresh():
        return "".join(draw.choices(LETTERS, k=draw.randrange(7, 15))) + draw.choice((".example", ".test", ".invalid"))

    with tempfile.TemporaryDirectory() as folder:
        names = set()
        while len(names) < count:
            names.add(fresh())
        names = sorted(names)
        webs = [found(os.path.join(folder, side)) for side in ("a", "b")]
        config = os.path.join(folder, "luytre.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(
                f'version = 1\nstate_dir = "{folder}/state"\n[dns]\nlisten = ["127.0.0.1:0"]\n[dns.upstream]\n'
                'servers = ["127.0.0.1:9"]\n[signed]\nupdate_every = "0s"\n'
            )
            for side, web in zip(("a", "b"), webs):
                file.write(f'[signed.{side}]\nroot = "{folder}/{side}/root.json"\nmirrors = ["{web}"]\n')
            file.write('[[profile]]\nname = "child"\nband = "10-12"\n[defaults]\nprofile = "child"\n')
        propose(os.path.join(folder, "proposals"), names)
        release(folder, 1)
        whole = update(config)
        gone = set(draw.sample(range(count), count // 100))
        kept = [name for at, name in enumerate(names) if at not in gone]
        propose(os.path.join(folder, "proposals"), kept + [fresh() for _ in gone])
        release(folder, 2, earlier=1)
        delta = update(config)
        print(f"{count:,} names, {len(gone):,} gone and as many new: {delta:,} of {whole:,} octets ({100 * delta / whole:.1f} %)")


main()
