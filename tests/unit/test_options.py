"""Flows, their options and the commands have the same names and defaults; what differs on purpose is listed here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import pytest
from pydantic import SecretStr

from xrt_products import collect_products, request_batch, request_products
from xrt_products.flows.cli.batch_command import BatchOptions
from xrt_products.flows.cli.commands import app
from xrt_products.flows.cli.run_flow import flow_parameters
from xrt_products.flows.options import FollowOptions

REQUIRED = inspect.Parameter.empty
OPTIONS = {field.name: field.default for field in fields(FollowOptions)}

# What is no option of how a job is followed: name, default, and why it is there, or is called something else.
FLOW_ONLY: dict[str, dict[str, Any]] = {
    "run": {
        "request": REQUIRED,  # the command reads it from a file
        "on_failure": "raise",  # a command ends with the table and with status 1
        "fresh": False,  # of a submission; what is followed has been submitted
        "max_active": 5,  # as well
        "folder": "{name}",  # as well
    },
    "collect": {
        "job_id": REQUIRED,  # a word on the command line needs no suffix
        "on_failure": "raise",
        "cancel_with_run": False,  # it did not submit the job
    },
}
COMMAND_ONLY: dict[str, dict[str, Any]] = {
    "run": {
        "file": REQUIRED,
        "MORE": REQUIRED,  # files: none or many
        "fresh": False,
        "max_active": 5,
        "folder": "{name}",
        "cancel_on_interrupt": False,  # of Ctrl-C only
    },
    "collect": {"job": REQUIRED, "cancel_on_interrupt": False},
}


def of_flow(flow: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the names and defaults of a flow's parameters."""
    return {name: parameter.default for name, parameter in inspect.signature(flow).parameters.items()}


def of_command(command: str) -> Mapping[str, Any]:
    """Return the names and defaults of what a command takes, with its options one by one."""
    return {
        argument.names[0].removeprefix("--").replace("-", "_"): argument.field_info.default
        for argument in app[command].assemble_argument_collection()
        if argument.names != ("*",)  # the options as one: each of them follows
    }


@pytest.mark.parametrize(("command", "flow"), [("run", request_products), ("collect", collect_products)])
def test_a_flow_its_options_and_its_command_have_the_same_names_and_defaults(
    command: str, flow: Callable[..., Any]
) -> None:
    assert of_flow(flow) == OPTIONS | FLOW_ONLY[command]
    assert of_command(command) == OPTIONS | COMMAND_ONLY[command]


def test_the_options_of_a_campaign_are_its_flows_parameters_and_may_stand_in_its_file() -> None:
    flow, command = of_flow(request_batch), of_command("batch")
    shared = OPTIONS | {"max_active": 5, "max_failures": None}

    assert {f.name: f.default for f in fields(BatchOptions)} == shared
    assert flow.items() >= shared.items()
    assert flow.keys() - shared.keys() == {
        "targets", "template", "name", "folder", "units", "redo", "dry_run", "on_failure"
    }  # fmt: skip
    assert command == dict.fromkeys(shared) | {
        "campaign": REQUIRED,
        "targets": None,
        "redo": None,
        "dry_run": False,
        "cancel_on_interrupt": False,
    }


@pytest.mark.parametrize("words", [["run", "grb.yaml"], ["collect", "951"]], ids=lambda words: str(words[0]))
def test_a_command_without_options_follows_as_a_flow_does(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UKSSDC_NOTIFY", raising=False)

    _, bound, _ = app.parse_args(words)
    bound.apply_defaults()

    assert bound.arguments["options"] == FollowOptions()
    assert flow_parameters(bound.arguments["options"]) == OPTIONS


def test_the_options_of_a_command_are_a_flows_parameters() -> None:
    given = {"--no-status-polls": "5", "--max-wait": "90", "--if-exists": "replace", "--account": "ops"}

    _, bound, _ = app.parse_args(["run", "grb.yaml", "--no-quicklook", *(w for pair in given.items() for w in pair)])

    changed = {"no_status_polls": 5, "max_wait": 90.0, "if_exists": "replace", "account": "ops", "quicklook": False}
    assert flow_parameters(bound.arguments["options"]) == OPTIONS | changed


# A URL with a password must not stand in the list of processes, nor in what Prefect's server stores.
def test_a_command_takes_whom_to_notify_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UKSSDC_NOTIFY", "json://user:secret@localhost")

    taken, given = (flow_parameters(FollowOptions(notify=notify)) for notify in (None, "slack-webhook/ops"))

    assert taken == OPTIONS | {"notify": SecretStr("json://user:secret@localhost")}
    assert given == OPTIONS | {"notify": SecretStr("slack-webhook/ops")}
