"""Tables, ORM only, by noun. Asking for one makes all known, for their relationships name each other."""

from service.models.tables.accounts import account_session, attempt, saved_view, substitution, user
from service.models.tables.certificates import certificate, print_batch, reissue
from service.models.tables.notices import mail, notice, ticket
from service.models.tables.persons import identity_correction, person, person_import
from service.models.tables.runtime import case, form_draft, process, version_change
from service.models.tables.system import audit, audit_sample, export, seal, setting, stored_file
from service.models.tables.training import training
from service.models.tables.units import organisation

__all__ = [
    "account_session",
    "attempt",
    "audit",
    "audit_sample",
    "case",
    "certificate",
    "export",
    "form_draft",
    "identity_correction",
    "mail",
    "notice",
    "organisation",
    "person",
    "person_import",
    "print_batch",
    "process",
    "reissue",
    "saved_view",
    "seal",
    "setting",
    "stored_file",
    "substitution",
    "ticket",
    "training",
    "user",
    "version_change",
]
