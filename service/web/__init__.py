"""HTML pages. A module a noun, each with ``bp``; a page reads through models and reports and changes through workflow.

A form comes back with its values and errors by ``@again(page)`` (submit.py); views catch nothing themselves::

    @bp.get("/persons/new")
    @needs(Action.EDIT_PERSON)
    def new(): return render_template("pages/persons/form.html")

    @bp.post("/persons")
    @needs(Action.EDIT_PERSON)
    @again(new)
    def create():
        person = registry.save_person(current_user, request.form)
        done(N_("已保存"))
        return redirect(url_for(".show", person_id=person.id))
"""

from __future__ import annotations

from importlib import import_module

from flask import Flask

from service.web import access, errors, gate, layout, logs, mails, protection, texts, wording

PAGES = (
    "session", "home", "inbox", "tasks", "cases", "processes", "users", "accounts", "units", "unit_acts", "plans", "notices", "settings", "persons", "person_acts", "person_import", "classes",
    "enrollments", "certificates", "certificate_acts", "printing", "reissues", "tickets", "public", "reports", "exports", "desks", "audit", "administration",
)  # fmt: skip


def register(app: Flask) -> None:
    """Everything that pages need, then the pages."""
    logs.register(app)
    protection.register(app)
    texts.register(app)
    access.logins.init_app(app)
    access.csrf.init_app(app)
    layout.register(app)
    wording.register(app)
    gate.register(app)
    errors.register(app)
    mails.register()
    for name in PAGES:
        blueprint = import_module(f"service.web.{name}").bp
        blueprint.before_request(access.guard)
        app.register_blueprint(blueprint)
