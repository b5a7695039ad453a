"""Commands of other packages, through the entry-point group `ledger.commands`."""

import pytest

BROKEN = {
    "missing": ("no_such_module_here:command", "ModuleNotFoundError"),
    "absent": ("plugin_module:nothing", "AttributeError"),
    "number": ("plugin_module:number", "is not a click command"),
    "raising": ("raising_module:command", "RuntimeError: no licence"),
}
_MODULE = """
import click

number = 7

@click.command()
def hello():
    "Greet."
    click.echo("hello from elsewhere")
"""


@pytest.fixture
def plugins(tmp_path):
    """A folder with a distribution that offers one good command and four broken ones."""
    folder = tmp_path / "plugins"
    info = folder / "somebodys_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: somebodys-plugin\nVersion: 1.0\n", encoding="utf-8")
    lines = ["[ledger.commands]", "hello = plugin_module:hello"]
    lines += [f"{name} = {target}" for name, (target, _) in BROKEN.items()]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "plugin_module.py").write_text(_MODULE, encoding="utf-8")
    (folder / "raising_module.py").write_text(
        "raise RuntimeError('no licence')\n", encoding="utf-8"
    )
    return folder


def test_good_plugin_works(installed, plugins, tmp_path):
    """A command of another package stands in the list and runs."""
    assert "Greet." in installed.run("--help", cwd=tmp_path, path=[plugins]).stdout
    assert installed.run("hello", cwd=tmp_path, path=[plugins]).stdout == "hello from elsewhere\n"


def test_broken_plugins_show_with_the_reason(installed, plugins, tmp_path):
    """The list is printed, and each broken command says why."""
    answer = installed.run("--help", cwd=tmp_path, path=[plugins])
    assert answer.returncode == 0, answer.stderr
    assert "init" in answer.stdout
    lines = answer.stdout.splitlines()
    for name in BROKEN:
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        assert "not available: " in line


@pytest.mark.parametrize("name", BROKEN)
def test_broken_plugin_fails_when_called(installed, plugins, tmp_path, name):
    """It ends with 2 and the whole reason, whatever its arguments."""
    answer = installed.run(name, "--any", "thing", cwd=tmp_path, path=[plugins])
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert BROKEN[name][1] in answer.stderr
    assert installed.run("record", "--list", cwd=tmp_path, path=[plugins]).returncode == 0
