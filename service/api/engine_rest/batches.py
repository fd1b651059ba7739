"""``/batch`` and ``/history/batch``: migrations in the background, their progress, and giving one up."""

from __future__ import annotations

from flask import Response, request

from service.api.engine_rest import serializers
from service.api.engine_rest.blueprint import blueprint, json_response, no_content, user
from service.api.engine_rest.parameters import read_list_request
from service.models.queries.camunda.batches import BATCHES, PAST_BATCHES
from service.models.tables.accounts.user import User
from service.workflow.versions import background_runs, case_migrations


def _reader() -> User:
    case_migrations.must_migrate(user())
    return user()


@blueprint.get("/batch")
def list_batches() -> Response:
    rows = BATCHES.rows(_reader(), read_list_request(BATCHES, request.args))
    return json_response([serializers.batch(row.MigrationRun, row.login) for row in rows])


@blueprint.get("/batch/count")
def count_batches() -> Response:
    return json_response({"count": BATCHES.count(_reader(), read_list_request(BATCHES, request.args))})


@blueprint.get("/batch/statistics")
def list_batch_statistics() -> Response:
    rows = BATCHES.rows(_reader(), read_list_request(BATCHES, request.args))
    return json_response([serializers.batch_statistics(row.MigrationRun, row.login) for row in rows])


@blueprint.get("/batch/<id>")
def show_batch(id: str) -> Response:
    row = BATCHES.one(_reader(), id)
    return json_response(serializers.batch(row.MigrationRun, row.login))


@blueprint.delete("/batch/<id>")
def delete_batch(id: str) -> Response:
    """Give a migration up; the cases that it has moved stay where they are."""
    background_runs.stop(_reader(), BATCHES.one(user(), id).MigrationRun)
    return no_content()


@blueprint.get("/history/batch")
def list_past_batches() -> Response:
    rows = PAST_BATCHES.rows(_reader(), read_list_request(PAST_BATCHES, request.args))
    return json_response([serializers.past_batch(row.MigrationRun, row.login) for row in rows])


@blueprint.get("/history/batch/count")
def count_past_batches() -> Response:
    return json_response({"count": PAST_BATCHES.count(_reader(), read_list_request(PAST_BATCHES, request.args))})


@blueprint.get("/history/batch/<id>")
def show_past_batch(id: str) -> Response:
    row = PAST_BATCHES.one(_reader(), id)
    return json_response(serializers.past_batch(row.MigrationRun, row.login))
