"""The package step: the bento of a version holds its model, and what it is served with."""

from types import SimpleNamespace

from evergreen.adapters import packaging
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.settings import Settings
from evergreen.learning.model.release import Release
from tasks.package import package


def test_bento_is_built_of_the_models_folder_and_its_release(tmp_path, monkeypatch):
    built = []

    def build(*given, **places):
        built.append((given, places))
        return SimpleNamespace(tag="parcels:abc")

    monkeypatch.setattr(packaging, "build", build)
    ws = Workspace(root=tmp_path / "workspace")
    model = ws.write_folder("model", {"model.skops": b"m"}, {})
    settings = Settings(home=tmp_path / "home", project=tmp_path)
    tag = package.fn(model, name="parcels", version=3, threshold=0.4, ws=ws, settings=settings)

    assert tag == "parcels:abc"
    release = Release(model="parcels", version=3, model_digest=model.sha256, threshold=0.4)
    assert built == [((ws.path(model.uri), release), {"project": tmp_path, "home": tmp_path / "home"})]
