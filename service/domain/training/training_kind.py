"""The three kinds of training (S45–S47): a class has one, an enrolment inherits it."""

from __future__ import annotations

from service.domain.values.labelled_enum import Labelled
from service.errors import N_


class TrainingKind(Labelled):
    INITIAL = "initial", N_("取证")  # the first certificate, or the first after a deregistration
    REFRESHER = "refresher", N_("再培训")  # once a calendar year, writes a record, no new certificate
    RENEWAL = "renewal", N_("换证")  # before the certificate ends, continues it under its number
