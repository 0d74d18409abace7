"""The command line as its users meet it, good input and bad; most of it in this process, a few as real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from in_process import CommandLine
from raw_server import http, raw_server
from xrt_support import USER, Serve, request_for

from ukssdc import Client, Product
from ukssdc.emulator import Build, Scenario

COMMAND = Path(sys.executable).with_name("xrt-products")
PREFECT_FREE = """import sys
from xrt_products.flows.cli.commands import main
try:
    main()
except SystemExit as ended:
    sys.exit(9 if "prefect" in sys.modules else ended.code)
"""
COMMANDS = ["run", "collect", "status", "watch", "cancel", "jobs", "check", "template", "request", "rebin"]
COMMANDS += ["ui", "emulator", "demo"]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command in an empty folder, in this process."""
    return CommandLine(tmp_path)


@pytest.fixture
def process(tmp_path: Path) -> Run:
    """Run the command in an empty folder, as a process of its own."""

    def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"COLUMNS": "200"} | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return command


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    path = tmp_path / "grb.yaml"
    path.write_text(yaml.safe_dump(request_for(Product.Image, Product.LightCurve).model_dump(mode="json")))
    return path


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """See that a command ended with a message that holds these words, and with nothing that frightens."""
    assert done.returncode != 0
    for word in words:
        assert word in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    assert USER not in done.stderr + done.stdout


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_there_for_every_command(run: Run, command: str) -> None:
    done = run(*command.split(), "--help")

    assert done.returncode == 0
    assert "Usage: xrt-products" in done.stdout


def test_the_installed_command_helps_and_a_wrong_command_line_is_2(process: Run) -> None:
    helped, wrong = process("--help"), process("run")

    assert (helped.returncode, wrong.returncode) == (0, 2)
    assert "Usage: xrt-products" in helped.stdout
    assert "Traceback" not in wrong.stderr + wrong.stdout


def test_run_downloads_and_shows_a_table(serve: Serve, run: Run, request_file: Path, tmp_path: Path) -> None:
    serve()

    done = run("run", request_file, "--interval", 0.2, "--no-quicklook")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "downloaded" in done.stdout
    assert (tmp_path / "products" / "GRB_200416A" / "951" / "lc.tar.gz").is_file()


def test_run_ends_with_status_1_and_no_traceback_where_a_product_fails(
    serve: Serve, process: Run, request_file: Path, tmp_path: Path
) -> None:
    serve({Product.LightCurve: Build(ends=-3)})

    done = process("run", request_file, "--interval", 0.2, "--no-quicklook")

    assert_refused(done, "failed", "swifthelp@leicester.ac.uk")
    assert (done.stdout + done.stderr).count("1 of 2 products failed") == 1
    assert (tmp_path / "products" / "GRB_200416A" / "951" / "image.tar.gz").is_file()


def test_collect_status_cancel_and_jobs_work_on_a_job_that_exists(serve: Serve, run: Run, tmp_path: Path) -> None:
    emulator = serve({Product.LightCurve: Build(running=1e6)})
    Client(USER, emulator.url).submit(request_for(Product.Image, Product.LightCurve))

    assert "Prepare data and centroid" in run("status", 951).stdout
    assert "GRB 200416A" in run("jobs").stdout
    cancelled = run("cancel", 951, "LightCurve")
    assert (cancelled.returncode, cancelled.stdout) == (0, "LightCurve: Job cancelled OK\n")
    collected = run("collect", 951, "--interval", 0.2)
    assert collected.returncode == 0, collected.stdout + collected.stderr
    assert "Cancelled at your request" in collected.stdout
    assert (tmp_path / "products" / "GRB_200416A" / "951" / "image.tar.gz").is_file()


def test_cancelling_what_has_ended_says_so_and_ends_with_status_1(serve: Serve, run: Run) -> None:
    emulator = serve()
    client = Client(USER, emulator.url)
    job = client.submit(request_for(Product.Image))
    emulator.advance(3600)
    assert client.status(job).complete

    done = run("cancel", 951)

    assert_refused(done, "has it already finished?")


@pytest.mark.parametrize("command", ["run grb.yaml", "collect 951", "cancel 951", "jobs", "status 951", "watch 951"])
def test_an_unregistered_user_is_told_where_to_register_once_and_before_anything_starts(
    serve: Serve, run: Run, request_file: Path, command: str
) -> None:
    emulator = serve()
    assert request_file.exists()

    done = run(*command.split(), UKSSDC_USER="stranger@example.org")

    assert_refused(done, "register.php")
    assert "stranger@example.org" not in done.stdout + done.stderr
    assert "flow run" not in done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("register.php") == 1
    assert len(list(emulator.ledger)) == 1


@pytest.mark.parametrize("command", ["jobs", "status 951", "collect 951", "run grb.yaml"])
def test_without_an_account_the_way_to_one_is_shown(run: Run, request_file: Path, command: str) -> None:
    assert request_file.exists()

    assert_refused(run(*command.split(), UKSSDC_USER=""), "UKSSDC_USER", "register.php")


@pytest.mark.parametrize("command", ["status", "cancel", "collect"])
@pytest.mark.parametrize("job", [951, 4711], ids=["someone-elses", "missing"])
def test_a_job_that_is_not_mine_is_refused(serve: Serve, run: Run, command: str, job: int) -> None:
    emulator = serve(users=(USER, "other@example.org"))
    Client("other@example.org", emulator.url).submit(request_for(Product.Image))

    assert_refused(run(command, job), "the service refused to find job")


def test_an_address_in_the_place_of_an_accounts_name_is_refused_and_not_repeated(run: Run, request_file: Path) -> None:
    assert_refused(run("run", request_file, "--account", USER), "UKSSDC_USER", "not an e-mail address")


def test_an_unreachable_service_says_so(run: Run) -> None:
    with raw_server(b"") as url:
        pass

    assert_refused(run("jobs", UKSSDC_USER=USER, UKSSDC_URL=url), "refused the connection", "try again")


def test_a_body_that_is_no_json_is_shown(run: Run) -> None:
    with raw_server(http(b"<html>Down for maintenance</html>")) as url:
        done = run("jobs", UKSSDC_USER=USER, UKSSDC_URL=url)

    assert_refused(done, "an HTML page where JSON belongs", "Down for maintenance")


def test_a_request_with_ten_mistakes_is_refused_with_all_ten_and_nothing_is_sent(
    serve: Serve, run: Run, tmp_path: Path
) -> None:
    emulator = serve()
    mistakes = {
        "targ": "96655x",
        "RA": 400,
        "Dec": "north",
        "centroid": True,
        "posErr": 0.5,
        "Lightcurve": {},
        "LightCurve": {"binMeth": "counts", "pcCounts": 20.5, "wtCount": 30, "minEnergy": 5, "maxEnergy": 1},
    }
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(mistakes))

    done = run("run", "wrong.yaml")

    assert_refused(
        done,
        *("name", "targ", "RA", "Dec", "posErr", "Lightcurve", "pcCounts", "wtCount", "dynamic", "maxEnergy"),
        "did you mean wtCounts",
    )
    assert done.stderr.count("\n  - ") >= 10
    assert len(emulator.ledger) == 0


def test_a_destination_that_cannot_be_written_is_refused_before_anything_is_sent(
    serve: Serve, run: Run, request_file: Path, tmp_path: Path
) -> None:
    emulator = serve()
    (tmp_path / "file").write_text("")

    done = run("run", request_file, "--destination", tmp_path / "file" / "products")

    assert_refused(done, "cannot write to", "choose another destination")
    assert len(emulator.ledger) == 0


@pytest.mark.parametrize("content", [None, "name: [", "- a\n- list", ""], ids=["missing", "broken", "list", "empty"])
def test_a_request_file_that_is_none_is_named(run: Run, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "grb.yaml").write_text(content)

    assert_refused(run("run", "grb.yaml", UKSSDC_USER=USER), "grb.yaml")


@pytest.mark.parametrize("command", ["run grb.yaml", "collect 951"])
@pytest.mark.parametrize(
    ("options", "messages"),
    [
        ("--interval 5", ["--interval is 5 s, which is too short: the service asks not to be polled more often than"]),
        ("--max-wait -3", ["--max-wait is -3: give a time in s, above 0"]),
        ("--interval nan --max-wait inf", ["--interval is nan: give a time", "--max-wait is inf: give a time"]),
    ],
)
def test_settings_that_are_wrong_are_named_once_each_and_nothing_else_is_said(
    run: Run, request_file: Path, command: str, options: str, messages: list[str]
) -> None:
    assert request_file.exists()
    service = {"UKSSDC_USER": USER, "UKSSDC_URL": "https://service.invalid/x"}

    done = run(*command.split(), *options.split(), **service)

    assert_refused(done, *messages)
    assert len(done.stderr.splitlines()) == len(messages)  # nothing of Prefect's
    assert done.stdout == ""


def test_settings_that_are_wrong_are_named_before_prefect_is_imported(tmp_path: Path, request_file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PREFECT_FREE, "run", request_file, "--max-wait", "-3"],
        cwd=tmp_path,
        env=os.environ | {"UKSSDC_USER": USER},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    assert_refused(done, "--max-wait is -3: give a time in s")


def test_settings_are_looked_at_without_asking_for_the_block_with_the_account(run: Run, request_file: Path) -> None:
    done = run("run", request_file, "--account", "not-there", "--max-wait", "nan", UKSSDC_USER="")

    assert done.stderr.startswith("xrt-products: --max-wait is nan: give a time in s")
    assert len(done.stderr.splitlines()) == 1


def test_an_account_without_an_address_in_it_is_told_from_none_and_not_repeated(run: Run) -> None:
    done = run("jobs", UKSSDC_USER="somebody")

    assert_refused(done, "UKSSDC_USER is set, but is no e-mail address")
    assert "register.php" not in done.stderr
    assert "somebody" not in done.stderr


def test_the_table_at_the_end_names_the_quick_look_and_the_unpacked_folders(
    serve: Serve, run: Run, request_file: Path
) -> None:
    serve()

    done = run("run", request_file, "--interval", 0.2, "--extract")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "unpacked in products/GRB_200416A/951/lc" in done.stdout
    assert "Quick look: products/GRB_200416A/951/quicklook.md" in done.stdout


def test_the_exit_statuses_are_in_the_help_and_a_wrong_command_line_is_2(run: Run) -> None:
    said = " ".join(run("--help").stdout.split())

    assert "0 where all went well, 1 where something failed, 2 where the command line is wrong, 3 where" in said
    assert run("run").returncode == 2


def test_the_scenario_in_the_emulators_help_can_be_played(run: Run) -> None:
    said = run("emulator", "--help").stdout
    lines = said[said.index("products:") : said.index("The emulator keeps")].splitlines()

    played = Scenario.from_dict(yaml.safe_load("\n".join(["products:", *(line[1:] for line in lines[1:])])))

    assert played.build(Product.Spectrum).ends == -3
    assert played.build(Product.LightCurve, "M82").ends == -2
    assert "started again, it knows none of them" in said
