#!/usr/bin/env python3
"""Memory of the daemon and time from its start to its first right answer, with a compiled list of many names.

    cargo build --release && benches/footprint.py [NAMES]     # one million by default

Prints RSS and PSS (kernel's accounting, /proc/PID/smaps_rollup) after the start and after 20,000 questions.
"""
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.path.join(HERE, "..", "target", "release", "luytre")


def query(name, number):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


def is_refusal(answer):
    return len(answer) > 12 and answer[7] == 1 and answer.endswith(b"\0\0\0\0")


def start(folder, port):
    began = time.monotonic()
    process = subprocess.Popen([BINARY, "-c", os.path.join(folder, "c.toml")], stderr=subprocess.DEVNULL)
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.bind(("127.0.0.9", 0))
    client.connect(("127.0.0.1", port))
    client.settimeout(0.002)
    while True:
        try:
            client.send(query("n7.casino.example", 1))
            if is_refusal(client.recv(4096)):
                return process, client, time.monotonic() - began
        except OSError:
            time.sleep(0.0005)


def memory(process):
    with open(f"/proc/{process.pid}/smaps_rollup", encoding="ascii") as rollup:
        return {line.split()[0]: int(line.split()[1]) for line in rollup if line.split()[0] in ("Rss:", "Pss:", "Pss_Anon:")}


def main():
    names = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        with open(os.path.join(folder, "big.txt"), "w", encoding="ascii") as big:
            big.writelines(f"n{at}.casino.example\n" for at in range(names))
        with open(os.path.join(folder, "c.toml"), "w", encoding="utf-8") as config:
            config.write(
                f'version = 1\nstate_dir = "{folder}/state"\n[dns]\nlisten = ["127.0.0.1:{port}"]\n'
                '[dns.upstream]\nservers = ["127.0.0.1:9"]\n[[list]]\nname = "big"\nsource = "file:big.txt"\n'
                'format = "domains"\nplain = "suffix"\ncategories = ["gambling"]\n'
                '[[profile]]\nname = "child"\nband = "10-12"\n[defaults]\nprofile = "child"\n'
            )
        process, _, took = start(folder, port)
        print(f"start with compiling  {took * 1000:.0f} ms to the first right answer")
        process.terminate()
        process.wait()
        times = []
        for _ in range(5):
            process, client, took = start(folder, port)
            times.append(took)
            if len(times) < 5:
                process.terminate()
                process.wait()
        print("start from bundle     " + ", ".join(f"{took * 1000:.1f}" for took in times) + " ms to the first right answer")
        print(f"{names} names, after start      KiB {memory(process)}")
        client.settimeout(2)
        for number in range(20_000):
            client.send(query(f"n{random.randrange(names)}.casino.example", number % 65536))
            if not is_refusal(client.recv(4096)):
                sys.exit("a wrong answer")
        print(f"{names} names, 20,000 questions KiB {memory(process)}")
        process.terminate()
        process.wait()


main()
