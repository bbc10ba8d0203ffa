"""The package step: the bento of a version holds its model, and what it is served with."""

from evergreen.adapters import packaging
from evergreen.adapters.packaging import Bento
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.settings import Settings
from evergreen.learning.model.release import Release
from tasks.package import Packaged, package


def test_bento_is_built_of_the_models_folder_and_its_release(tmp_path, monkeypatch):
    built = []

    def build(*given, **places):
        built.append((given, places))
        return Bento(tag="parcels:abc", path=tmp_path, digest="d" * 64)

    monkeypatch.setattr(packaging, "build", build)
    ws = Workspace(root=tmp_path / "workspace")
    model = ws.write_folder("model", {"model.skops": b"m"}, {})
    settings = Settings(
        home=tmp_path / "home", project=tmp_path, signing_key=tmp_path / "k", trusted_keys=tmp_path / "t"
    )
    packaged = package.fn(model, name="parcels", version=3, threshold=0.4, ws=ws, settings=settings)

    assert packaged == Packaged(tag="parcels:abc", digest="d" * 64)
    release = Release(model="parcels", version=3, model_digest=model.sha256, threshold=0.4)
    keys = {"signing_key": tmp_path / "k", "trusted_keys": tmp_path / "t"}
    assert built == [((ws.path(model.uri), release), {"project": tmp_path, "home": tmp_path / "home", **keys})]
