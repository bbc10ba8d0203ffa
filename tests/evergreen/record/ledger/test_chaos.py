"""Processes that promote, roll back and are killed at random: what is left is one chain, checked by other code."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
import registries
import sqlalchemy as sa
from children import child, go, say

from evergreen.base.errors import LostRace
from evergreen.record.ledger import leases
from evergreen.record.ledger.ledger import Ledger
from tasks.mirror import follow

WORKER = """
import json, random, sys
from evergreen.base.errors import LostRace
from evergreen.record.ledger.champions import Decision
from evergreen.record.ledger.ledger import Ledger
url, seed, facts = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
ledger, rng = Ledger(url), random.Random(seed)
while True:
    try:
        champion = ledger.champion("m")
        epoch, version = (champion.epoch, champion.version) if champion else (0, 0)
        back = version > 1 and rng.random() < 0.3
        wanted = version - 1 if back else ledger.number("m", f"{seed} {epoch} {rng.random()}")
        with ledger.lease(f"work {rng.randrange(3)}", wait=5):
            because = Decision(kind="decision", key=f"{seed} {epoch} {rng.random()}", payload={"by": seed})
            done = ledger.promote(
                "m", wanted, {**facts, "candidate": f"c{wanted}", "filler": "x" * 5000}, expected_epoch=epoch,
                kind="rollback" if back else "promotion", because=because,
            )
        print(done.epoch, done.version, flush=True)
    except LostRace:
        pass
"""


class Workers:
    """Processes that go on until they are killed, and everything that they said was done."""

    def __init__(self, url):
        self.url, self.said, self.running, self.seed = url, [], [], 0

    def start(self):
        self.seed += 1
        argv = [sys.executable, "-c", WORKER, self.url, str(self.seed), registries.facts(1).model_dump_json()]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        reader = threading.Thread(target=self._listen, args=(process,))
        reader.start()
        self.running.append((process, reader))

    def _listen(self, process):
        for line in process.stdout:
            if line.endswith("\n"):
                self.said.append(tuple(map(int, line.split())))

    def kill(self, number):
        process, reader = self.running.pop(number)
        process.send_signal(signal.SIGKILL)
        process.wait()
        reader.join()
        process.stdout.close()


def rows(url, statement):
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(sa.text(statement)).all()
    engine.dispose()
    return found


def check(url, said):
    """Check a ledger from outside: nothing here calls it."""
    previous, epoch, champion, made = "0" * 64, 0, None, {}
    entries = rows(url, "SELECT seq, at, model, kind, key, payload, previous, hash FROM entries ORDER BY seq")
    for number, (_seq, at, model, kind, key, payload, before, own) in enumerate(entries):
        assert before == previous, "a fork, or an entry that is gone"
        assert own == hashlib.sha256(json.dumps([before, at, model, kind, key, payload]).encode()).hexdigest()
        previous = own
        if kind in ("promotion", "rollback"):
            facts = json.loads(payload)
            assert (facts["epoch"], facts["predecessor"]) == (epoch + 1, champion)
            assert entries[number - 1].kind == "decision", "what a person decided stands with it"
            epoch, champion = facts["epoch"], facts["version"]
            made[epoch] = champion
    assert [tuple(row) for row in rows(url, "SELECT epoch, version FROM champions")] == [(epoch, champion)]
    assert sum(entry.kind == "decision" for entry in entries) == len(made), "no decision without its promotion"
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    assert len(said) == len(set(said))
    assert set(said) <= made.items(), "what was said to be done is done"
    return len(made)


@pytest.mark.parametrize(
    ("changes", "processes"), [(30, 4), pytest.param(200, 8, marks=pytest.mark.long)], ids=["some", "many"]
)
def test_promotions_and_rollbacks_of_processes_that_are_killed_are_one_chain(
    url, changes, processes, prepared_state, tmp_path
):
    workers, rng = Workers(url), random.Random(17)
    opened = Ledger(url)
    try:
        for _ in range(processes):
            workers.start()
        killed, deadline = 0, time.monotonic() + 300
        while len(workers.said) < changes and time.monotonic() < deadline:
            if len(workers.said) >= (killed + 1) * changes / 12:  # from time to time, whatever it is at
                workers.kill(rng.randrange(len(workers.running)))
                workers.start()
                killed += 1
    finally:
        while workers.running:
            workers.kill(0)
    assert check(url, workers.said) >= changes
    assert killed >= 8
    assert opened.verify() == len(rows(url, "SELECT seq FROM entries"))
    head = rows(url, "SELECT version FROM champions")[0].version
    settings = registries.settings_in(tmp_path / "mlflow-home", prepared_state)
    follow(opened, "m", settings=settings)
    alias = registries.store_of(settings).get_model_version_by_alias("m", "champion")
    assert int(alias.version) == head, "MLflow's alias is at the head of the chain"
    for number in range(3):  # nobody holds what a dead process held
        with opened.lease(f"work {number}"):
            pass


HOLD = "with Ledger(sys.argv[1]).lease('training') as epoch:\n    wait(epoch)"
OTHER_HOST = ["unshare", *(["--user", "--map-root-user"] if os.geteuid() else []), "--uts", "--pid", "--fork"]
OTHER_HOST += ["--mount-proc", "--kill-child"]


@pytest.mark.long
def test_lease_of_a_holder_that_was_killed_on_another_host_ends_within_a_minute(opened, url):
    """The host is another one in name and in processes: namespaces of this kernel."""
    named = f'hostname elsewhere && exec {sys.executable} -c "$0" "$1"'
    with child(HOLD, url, run=[*OTHER_HOST, "sh", "-c", named]) as holder:
        epoch = int(say(holder))
        with pytest.raises(LostRace, match="on elsewhere"), opened.lease("training"):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        died = time.monotonic()
        with pytest.raises(LostRace, match="on elsewhere"), opened.lease("training"):
            pass  # it cannot be known yet
        with opened.lease("training", wait=60) as next_epoch:
            assert next_epoch == epoch + 1
        assert leases.SILENT_SECONDS - leases.BEAT_SECONDS - 5 < time.monotonic() - died < 60


@pytest.mark.long
def test_lease_of_a_holder_that_lives_on_another_host_is_kept(opened, url):
    named = f'hostname elsewhere && exec {sys.executable} -c "$0" "$1"'
    with child(HOLD, url, run=[*OTHER_HOST, "sh", "-c", named]) as holder:
        assert say(holder)
        with pytest.raises(LostRace, match="on elsewhere"), opened.lease("training", wait=leases.SILENT_SECONDS + 15):
            pass
        go(holder)
        holder.wait()
        with opened.lease("training"):
            pass
