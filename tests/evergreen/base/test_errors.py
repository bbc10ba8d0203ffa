"""What a user sees of an error, and that it arrives whole from another process."""

import copy
import errno
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from evergreen.base import errors
from evergreen.base.errors import ConfigError, EvergreenError, ResourceError, explain_os_errors

# docs: ARCHITECTURE, section 6
EXIT_CODES = {
    "EvergreenError": 9,
    "ConfigError": 2,
    "DataError": 3,
    "GateRefused": 4,
    "Unavailable": 5,
    "LostRace": 6,
    "IntegrityError": 7,
    "ResourceError": 8,
}


def kinds() -> list[type[EvergreenError]]:
    found = (kind for kind in vars(errors).values() if isinstance(kind, type))
    return [kind for kind in found if issubclass(kind, EvergreenError)]


def test_every_kind_of_error_has_its_documented_exit_code():
    assert {kind.__name__: kind.exit_code for kind in kinds()} == EXIT_CODES


def test_block_says_code_what_where_and_next_step():
    error = ConfigError("CFG001", "no key 'trails'", where="params.yaml:12", next_step="Write 'trials'.")
    assert error.block() == "CFG001: no key 'trails'\n  where: params.yaml:12\n  next:  Write 'trials'."
    assert str(error) == "CFG001: no key 'trails'"


def test_block_leaves_out_what_is_not_known():
    assert ConfigError("CFG001", "no").block() == "CFG001: no"
    assert ConfigError("CFG001", "no", where="here").block() == "CFG001: no\n  where: here"
    assert ConfigError("CFG001", "no", next_step="Go.").block() == "CFG001: no\n  next:  Go."


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize(
    "again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy], ids=["pickle", "copy", "deep"]
)
def test_error_survives_copying_with_all_its_fields(kind, again):
    error = kind("ABC123", "what", where="where", next_step="next")
    copied = again(error)
    assert type(copied) is kind
    assert (copied.code, copied.what, copied.where, copied.next_step) == ("ABC123", "what", "where", "next")
    assert copied.block() == error.block()


def test_error_raised_in_another_process_arrives_whole():
    script = (
        "import pickle, sys\n"
        "from evergreen.base.errors import LostRace\n"
        "try: raise LostRace('RACE001', 'too late', where='ledger', next_step='Again.')\n"
        "except LostRace as error: sys.stdout.buffer.write(pickle.dumps(error))\n"
    )
    sent = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    assert pickle.loads(sent).block() == "RACE001: too late\n  where: ledger\n  next:  Again."


def test_full_disk_becomes_one_block_that_keeps_its_cause():
    with pytest.raises(ResourceError) as caught, explain_os_errors("/data/table"), Path("/dev/full").open("wb") as file:
        file.write(b"x")
    assert caught.value.block() == (
        "RES001: could not write: No space left on device\n"
        "  where: /data/table\n"
        "  next:  Free space or choose another EVERGREEN_HOME, then run the same command again."
    )
    assert isinstance(caught.value.__cause__, OSError)


def test_folder_without_write_access_becomes_one_block(read_only_folder):
    target = read_only_folder / "table"
    with pytest.raises(ResourceError) as caught, explain_os_errors(target):
        target.write_bytes(b"x")
    assert caught.value.block() == (
        "RES002: may not write: Permission denied\n"
        f"  where: {target}\n"
        "  next:  Give this user write access, or set EVERGREEN_HOME to a folder that can be written."
    )


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EACCES, "RES002"),
        (errno.EPERM, "RES002"),
        (errno.EROFS, "RES002"),
        (errno.ENOSPC, "RES001"),
        (errno.EDQUOT, "RES001"),
        (errno.ENOTDIR, "RES001"),
    ],
)
def test_system_errors_are_told_apart_by_what_helps(number, code):
    with pytest.raises(ResourceError) as caught, explain_os_errors("x"):
        raise OSError(number, os.strerror(number))
    assert caught.value.code == code


def test_explaining_stays_silent_when_nothing_fails():
    with explain_os_errors("x"):
        done = True
    assert done


@pytest.mark.parametrize("error", [ValueError("bug"), ConfigError("CFG001", "ours")])
def test_explaining_passes_other_errors_on_unchanged(error):
    with pytest.raises(type(error)) as caught, explain_os_errors("x"):
        raise error
    assert caught.value is error
