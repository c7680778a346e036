#!/usr/bin/env python3
"""Optuna (optuna.org) chooses the points of a sweep, each by what came of those before.

    optuna_sweep.py --trials 40 --at-once 2 -o found --data photos/ --epochs 20 -- --patience 5

All other options are sweep's, which trains so many points at once. What is searched stands in line_of().
The same command goes on from where it was: Optuna asks the same again, and the folder knows the answers.
"""
import argparse, json, subprocess, sys
import optuna

words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
words.add_argument("--trials", type=int, default=40, help="how many points, all together (40)")
words.add_argument("--at-once", type=int, default=2, help="so many are asked for, and trained, at a time (2)")
words.add_argument("-o", "--output", default="runs", help="the folder of the sweep (runs)")
common = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
asked, others = words.parse_known_args(sys.argv[1:common])


def line_of(trial):
    """The options of a point, of pstrain and psaug, as Optuna suggests them."""
    return " ".join([
        f"--depth {trial.suggest_int('depth', 1, 4)}",
        f"--filters {trial.suggest_int('filters', 8, 32, step=8)}",
        f"--learning-rate {trial.suggest_float('learning rate', 1e-3, 1, log=True):.4g}",
        f"--l2 {trial.suggest_float('l2', 1e-8, 1e-2, log=True):.4g}",
        f"--flip {trial.suggest_categorical('flip', [0, 0.5])}",
    ])


def accuracy_of(name):
    """Of the last validation that the run tells, in percent."""
    dump = ["psdump", "-k", "json", f"{asked.output}/{name}.bin"]
    records = map(json.loads, subprocess.run(dump, capture_output=True, text=True, check=True).stdout.splitlines())
    return 100 * [record["accuracy"] for record in records if record["type"] == "validation"][-1]


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
command = ["sweep", "--points", "-", "--output", asked.output, "--jobs", str(asked.at_once), *others, *sys.argv[common:]]
sweep = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
for first in range(0, asked.trials, asked.at_once):
    trials = {}  # by their lines: where two are alike, one answer is for both
    for _ in range(min(asked.at_once, asked.trials - first)):
        trial = study.ask()
        trials.setdefault(line_of(trial), []).append(trial)
    sweep.stdin.write("".join(line + "\n" for line in trials))
    answers = {}
    while len(answers) < len(trials):
        name, state, *rest = (sweep.stdout.readline() or sys.exit("sweep has ended")).rstrip("\n").split("\t")
        line = next(line for line in trials if f" {line} " in f" {rest[-1]} ")
        answers[line] = accuracy_of(name) if state == "done" else None
    for line in trials:  # in the order in which they were asked for, whichever ended first
        for trial in trials[line]:
            study.tell(trial, answers[line], state=None if answers[line] is not None else optuna.trial.TrialState.FAIL)
            print(f"{trial.number}\t{answers[line]}\t{line}", flush=True)
sweep.stdin.close()
best = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
print("best:", study.best_params if best else "none, for no trial was done")
sys.exit(sweep.wait())
