"""The names that diagrams, forms and tables may use for what this service knows: the gate is handed them."""

from __future__ import annotations

from functools import cache

from service import handlers
from service.domain.accounts.roles import ADMINISTRATORS, Role
from service.domain.notices.tickets import ANSWERING_ROLES
from service.domain.training.training_need import FACT_NAMES, OUTPUTS
from service.engine import DecisionUse, Vocabulary, names_in
from service.handlers.subjects import SUBJECTS
from service.models.queries.system.form_options import KEYS

DECISIONS = {
    "training_need": DecisionUse(names_in(FACT_NAMES), {"need": names_in(OUTPUTS)}),
    "ticket_routing": DecisionUse(
        outputs={"desk": names_in(ANSWERING_ROLES), "within": frozenset()}, durations=frozenset(["within"])
    ),
}
"""Decisions that the service evaluates outside cases, or whose outputs a handler reads."""

ADDRESSES = {
    "authority_id": names_in([Role.PROVINCIAL_AUTHORITY]),
    "institution_id": names_in([Role.TRAINING_INSTITUTION]),
    "unit_id": names_in([Role.ENTERPRISE, Role.GROUP]),
    "organiser_id": names_in([Role.ASSOCIATION, Role.PROVINCIAL_AUTHORITY]),
    "starter_organisation_id": names_in(Role),
    "starter_authority_id": names_in([Role.PROVINCIAL_AUTHORITY]),
}
"""Variables that name an organisation, and the roles that people of such an organisation have."""


@cache
def vocabulary() -> Vocabulary:
    """Everything that is known beside the files of a bundle."""
    return Vocabulary(
        roles={role.value: frozenset([role.label]) for role in Role},
        sole_roles=names_in([Role.MINISTRY, Role.ASSOCIATION, *ADMINISTRATORS]),
        addresses=ADDRESSES,
        topics=handlers.declared_topics(),
        processes=handlers.declared_processes(),
        decisions=DECISIONS,
        choices=frozenset(KEYS),
        starter=names_in(handlers.STARTER),
        subjects={process: subject.variable for process, subject in SUBJECTS.items()},
    )


def states(process: str) -> dict[str, str]:
    """The states that a diagram of this process may give its subject, with their labels."""
    return {state.value: state.label for state in SUBJECTS[process].states} if process in SUBJECTS else {}
