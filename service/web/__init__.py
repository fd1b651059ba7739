"""HTML pages: a page reads through models and reports and changes through workflow.

``views`` holds a module a noun, each with its blueprint ``bp``; ``presenters`` turn values into what is shown;
``shell`` is what every page shares. A form comes back with its values and errors by ``@rerender_on_error(page)``; views
catch nothing themselves::

    @bp.get("/persons/new")
    @requires_permission(Action.EDIT_PERSON)
    def new():
        return render_template("pages/persons/form.html")


    @bp.post("/persons")
    @requires_permission(Action.EDIT_PERSON)
    @rerender_on_error(new)
    def create():
        person = person_records.save_person(current_user, request.form)
        flash_success(N_("已保存"))
        return redirect(url_for(".show", person_id=person.id))
"""

from __future__ import annotations

from importlib import import_module

from flask import Flask

from service.web.presenters import formatting, labels
from service.web.shell import (
    authorization,
    errors,
    mail_templates,
    questions,
    request_log,
    security_headers,
    template_context,
    unit_record_guard,
)

VIEWS = (
    ("accounts", ("session", "users", "accounts", "substitutes", "form_drafts")),
    ("certificates", ("certificates", "certificate_actions", "printing", "reissues")),
    ("notices", ("notices", "tickets")),
    ("persons", ("persons", "person_actions", "person_import", "corrections")),
    (
        "runtime",
        (
            *("inbox", "worksheets", "tasks", "undo", "starts", "cases", "mends", "incidents", "deployments"),
            *("version_changes", "processes", "studio", "mining"),
        ),
    ),
    (
        "system",
        (
            *("home", "settings", "reports", "papers", "search", "exports", "public", "audit", "row_history"),
            *("administration", "samples", "saved_views"),
        ),
    ),
    ("training", ("plans", "classes", "enrollments", "worklists")),
    ("units", ("units", "unit_actions")),
)
BLUEPRINTS = frozenset(name for _noun, names in VIEWS for name in names)


def register(app: Flask) -> None:
    """Register what pages need, then the pages."""
    app.jinja_environment = template_context.Templates
    request_log.register(app)
    security_headers.register(app)
    formatting.register(app)
    authorization.logins.init_app(app)
    authorization.csrf.init_app(app)
    template_context.register(app)
    labels.register(app)
    unit_record_guard.register(app)
    errors.register(app)
    questions.register(app)
    mail_templates.register()
    for noun, name in ((noun, name) for noun, names in VIEWS for name in names):
        blueprint = import_module(f"service.web.views.{noun}.{name}").bp
        blueprint.before_request(authorization.guard)
        app.register_blueprint(blueprint)
