"""The picture of the architecture is drawn from the contracts."""

from __future__ import annotations

from setup import picture


def test_the_picture_in_the_documents_is_that_of_the_contracts() -> None:
    assert picture.PICTURE.read_text() == picture.draw()


def test_every_package_of_the_contracts_stands_in_the_picture_with_its_meaning() -> None:
    drawn = picture.draw()
    for container, layers in picture.contracts().items():
        for name in (name for layer in layers for name in layer):
            assert name in drawn, name
            assert container != "service" or picture.MEANING[name].split()[0] in drawn


def test_another_layer_makes_another_picture(monkeypatch) -> None:
    drawn = picture.draw()
    monkeypatch.setattr(picture, "contracts", lambda: {"service": [["cli"], ["web", "api"], ["models"]]})
    assert picture.draw() != drawn
