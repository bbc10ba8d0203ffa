"""The check that comes before any other module of a package: what is checked, and what passes it."""

import shutil
import subprocess
import sys

import pytest

from serving import sealed


def test_checkout_and_a_bundle_that_is_being_packed_are_not_checked(bundle, project, tmp_path):
    context = shutil.copytree(bundle, tmp_path / "context")

    sealed.require_unchanged()
    sealed.require_unchanged(project)
    sealed.require_unchanged(context)


def test_sealed_bundle_passes_and_a_changed_one_ends_the_process_with_one_block(bundle, tmp_path, capsys):
    copy = shutil.copytree(bundle.parent, tmp_path / "bento") / "src"
    sealed.require_unchanged(copy)
    (copy / "model" / "features.json").write_text("{}")

    with pytest.raises(SystemExit) as ended:
        sealed.require_unchanged(copy)

    assert ended.value.code == 7
    printed = capsys.readouterr().err
    assert printed.startswith("INT018: file 'src/model/features.json' is not the one that was packaged\n  where: ")
    assert "next:" in printed


def test_digest_and_keys_of_the_environment_are_asked_for(bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EVERGREEN_PACKAGE_DIGEST", "0" * 64)
    with pytest.raises(SystemExit):
        sealed.require_unchanged(bundle)
    monkeypatch.delenv("EVERGREEN_PACKAGE_DIGEST")
    monkeypatch.setenv("EVERGREEN_TRUSTED_KEYS", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        sealed.require_unchanged(bundle)

    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert "is not the one of digest 000000000000" in printed
    assert "CFG060" in printed


@pytest.mark.parametrize("module", ["serving", "serving.app", "serving.listening"])
def test_check_runs_before_other_modules_and_with_nothing_but_python(bundle, tmp_path, module):
    copy = shutil.copytree(bundle.parent, tmp_path / "bento") / "src"
    (copy / "release.json").write_text("{}")
    code = f"""
import sys
try:
    import {module}
except SystemExit as ended:
    print(ended.code)
print(sorted(sys.modules))
"""
    env = {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}

    done = subprocess.run([sys.executable, "-P", "-c", code], env=env, capture_output=True, text=True, timeout=60)

    code, loaded = done.stdout.splitlines()
    assert code == "7"
    assert not {"serving.app", "serving.listening", "pydantic", "numpy", "starlette", "msgspec"} & set(
        loaded.split("'")
    )
