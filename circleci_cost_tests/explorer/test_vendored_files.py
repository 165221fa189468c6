"""The vendored chart library: unchanged, and with its licences wherever it goes."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

from circleci_cost_tests.test_supply_chain import PACKAGE, ROOT

STATIC = PACKAGE / "explorer" / "static"
ECHARTS = STATIC / "vendor" / "echarts-6.1.0"


def sums() -> dict[str, str]:
    lines = (ECHARTS / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def test_the_vendored_files_are_those_of_the_manifest_and_no_others() -> None:
    files = {path.relative_to(ECHARTS).as_posix() for path in ECHARTS.rglob("*") if path.is_file()}
    assert files - {"SHA256SUMS"} == sums().keys()
    assert {name: hashlib.sha256((ECHARTS / name).read_bytes()).hexdigest() for name in sums()} == sums()


def test_the_script_is_echarts_6_1_0_as_npm_has_it() -> None:
    assert sums()["echarts.common.min.js"] == "61f13280aba3161f77fc801bf5f9c786f55f10432153a0683fc5cc0700b013d5"
    assert b't.version="6.1.0"' in (ECHARTS / "echarts.common.min.js").read_bytes()


def test_what_it_is_made_of_has_its_licence_beside_it() -> None:
    texts = {name: (ECHARTS / name).read_text() for name in sums() if not name.endswith(".js")}
    assert "Apache License" in texts["LICENSE"]
    assert "The Apache Software Foundation" in texts["NOTICE"]
    assert "Mike Bostock" in texts["licenses/LICENSE-d3"]
    assert "Baidu" in texts["licenses/LICENSE-zrender"]
    assert "Microsoft" in texts["licenses/LICENSE-tslib"]


def test_the_wheel_holds_the_scripts_the_styles_and_the_licences(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=100)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("circleci_cost/explorer/static/")}
        assert packed == {path.relative_to(ROOT).as_posix() for path in STATIC.rglob("*") if path.is_file()}
        for name, digest in sums().items():
            content = archive.read(f"circleci_cost/explorer/static/vendor/echarts-6.1.0/{name}")
            assert hashlib.sha256(content).hexdigest() == digest
