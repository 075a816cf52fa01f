#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A contest: compiles what stands in submissions/, judges it on problems/, and prints a table.

    examples/contest/judge.py [--plain] [--holm PROGRAM] [--parallel N]

Compilers get code that nobody trusts, too: they run by `holm judge` as the submissions do. --plain
leaves out what differs from run to run.
"""

import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
COMPILERS = {
    ".c": ["gcc", "-O1", "-w", "-o", "prog", "main.c", "-lm"],
    ".cpp": ["g++", "-O1", "-w", "-o", "prog", "main.cpp"],
}
COMPILER_BOX = {"time": "20s", "wall": "60s", "memory": "1g", "pids": "32", "output": "1m"}
BOX = {"time": "500ms", "wall": "5s", "idle": "1s", "memory": "64m", "pids": "8", "output": "64k"}
WORDS = {
    "cpu": "too slow", "wall": "too slow", "idle": "hangs", "memory": "too much memory",
    "output": "too much output", "pids": "too many processes", "exit": "failed",
    "signal": "crashed", "setup": "not judged", "syscall": "forbidden call",
}


def judge(options, jobs):
    """The reports, by id."""
    command = [options.holm, "judge", "--parallel", str(options.parallel), "--warm", "1",
               "--jobs", "-"]
    lines = "".join(json.dumps(job) + "\n" for job in jobs)
    done = subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True, check=True)
    return {report["id"]: report for report in map(json.loads, done.stdout.splitlines())}


def compile_all(options, sources, where):
    """The programs, by source, of those that could be compiled."""
    jobs, programs = [], {}
    for number, source in enumerate(sources):
        ending = os.path.splitext(source)[1]
        if ending not in COMPILERS:
            programs[source] = source
            continue
        programs[source] = os.path.join(where, str(number))
        jobs.append({"id": source, "command": COMPILERS[ending], "box": COMPILER_BOX,
                     "files": {"main" + ending: {"file": source}},
                     "collect": {"prog": {"to": programs[source]}}})
    for source, report in judge(options, jobs).items():
        if report["verdict"] == "setup":
            sys.exit(f"judge.py: {source}: {report['error']}")
        if report["verdict"] != "ok":
            del programs[source]
    return programs


def job_of(source, program, case):
    command = ["/usr/bin/python3", "prog"] if source.endswith(".py") else ["./prog"]
    return {"id": f"{source} {os.path.basename(case)}", "command": command, "box": BOX,
            "files": {"prog": {"file": program, "mode": "755"}}, "stdin": {"file": case},
            "expect": {"file": case[:-2] + "out", "checker": "floats"}}


def word_of(report):
    if report["verdict"] == "ok":
        return "right" if report["answer"] == "right" else "wrong"
    return WORDS[report["verdict"]]


def row_of(reports):
    """One row of several cases: what went wrong first, and the most that was used."""
    word = next((word_of(r) for r in reports if word_of(r) != "right"), "right")
    return (word, max(r.get("cpu-us", 0) for r in reports) / 1e3,
            max(r.get("memory-peak-bytes", 0) for r in reports) / 1e6)


def main():
    parser = argparse.ArgumentParser(description="Judges a contest.")
    parser.add_argument("--plain", action="store_true", help="verdicts alone")
    parser.add_argument("--holm", default=os.path.join(HERE, "../../build/holm"))
    parser.add_argument("--parallel", type=int, default=os.cpu_count())
    options = parser.parse_args()
    sources = sorted(glob.glob(os.path.join(HERE, "submissions/*/*")))
    with tempfile.TemporaryDirectory(prefix="contest.") as where:
        programs = compile_all(options, sources, where)
        cases = {source: sorted(glob.glob(os.path.join(
            HERE, "problems", os.path.basename(os.path.dirname(source)), "*.in")))
            for source in programs}
        reports = judge(options, [job_of(source, programs[source], case)
                                  for source in programs for case in cases[source]])
    for source in sources:
        name = os.path.relpath(source, os.path.join(HERE, "submissions"))
        row = ("broken", 0, 0)
        if source in programs:
            row = row_of([reports[f"{source} {os.path.basename(c)}"] for c in cases[source]])
        used = "" if options.plain else f"{row[1]:>10.1f} ms {row[2]:>7.1f} MB"
        print(f"{name:<36}{row[0]:<20}{used}".rstrip())


main()
