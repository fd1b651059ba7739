"""For each rule of the domain: a wrong edit of the place where it runs, and the tests that notice it.

A row is found by its text, so it moves with the code; when the text is gone, the row is to be written again.
"""

from __future__ import annotations

from dataclasses import dataclass

UNIT, PROCESS, API = "tests/unit/test_", "tests/process/test_", "tests/api/test_"
ACCOUNTS, UNITS, PERSONS = "service/domain/accounts/", "service/domain/units/", "service/domain/persons/"
TRAINING, CERTIFICATES = "service/domain/training/", "service/domain/certificates/"
NEED_TABLE = "processes/training_need.dmn"


@dataclass(frozen=True, slots=True)
class Mutation:
    """``old``, which ``file`` holds exactly once, becomes ``new``; then each of ``killers`` (node ids) fails."""

    rule: int
    file: str
    old: str
    new: str
    killers: tuple[str, ...]


def _row(rule: int, file: str, old: str, new: str, *killers: str) -> Mutation:
    return Mutation(rule, file, old, new, killers)


MUTATIONS = (
    _row(
        1,
        ACCOUNTS + "roles.py",
        "if creator is Role.PROVINCIAL_AUTHORITY and (",
        "if creator is Role.MINISTRY and (",
        UNIT + "domain_roles.py::test_r1_a_province_creates_accounts_of_its_own_units_only",
    ),
    _row(
        2,
        ACCOUNTS + "passwords.py",
        "if len(password) < SHORTEST:",
        "if len(password) < 8:",
        UNIT + "domain_passwords.py::test_r2_weak_passwords_are_refused_with_the_reason",
    ),
    _row(
        3,
        UNITS + "units.py",
        "free = {Action.MODIFY_UNIT,",
        "free = {Action.EDIT_PERSON, Action.MODIFY_UNIT,",
        UNIT + "domain_units.py::test_r3_until_its_record_is_complete_a_unit_edits_only_that_record",
    ),
    _row(
        4,
        "service/workflow/accounts/accounts.py",
        "tasks.release_tasks(user.id, actor.id)",
        "pass",
        API + "pages_accounts.py::test_r4_disabling_gives_claimed_tasks_back_to_the_role_by_a_recorded_input",
    ),
    _row(
        5,
        "service/workflow/units/unit_changes.py",
        'account.state, account.epoch = "disabled", account.epoch + 1',
        "account.epoch += 1",
        API + "pages_unit_acts.py::test_r6_r5_an_empty_unit_is_deleted_and_its_accounts_end_at_once",
    ),
    _row(
        6,
        UNITS + "units.py",
        "if persons:",
        "if persons > 1:",
        UNIT + "domain_units.py::test_r6_one_person_or_one_branch_bars_deletion",
    ),
    _row(
        7,
        UNITS + "units.py",
        "(target is not UnitKind.GROUP or target_is_self)",
        "target is not UnitKind.GROUP",
        UNIT + "domain_units.py::test_r7_a_unit_becomes_a_branch_of_another_group_when_it_has_no_branches",
    ),
    _row(
        8,
        UNITS + "units.py",
        "if branches and to is not UnitKind.GROUP:",
        "if branches and to is UnitKind.BRANCH:",
        UNIT + "domain_units.py::test_r8_a_group_with_branches_stays_a_group",
    ),
    _row(
        9,
        ACCOUNTS + "scopes.py",
        "return not subject.is_academy and _same(subject.authority, actor.authority)",
        "return not subject.is_academy",
        UNIT
        + "domain_roles.py::test_r9_r12_persons_are_approved_by_the_province_of_their_unit_and_academies_by_nobody",
    ),
    _row(
        10,
        CERTIFICATES + "verification.py",
        "if present == printed:",
        "if present != printed:",
        UNIT + "domain_certificates.py::test_r10_a_renamed_unit_is_shown_with_the_printed_name",
    ),
    _row(
        11,
        UNITS + "units.py",
        'LOCKED = frozenset({"name", "credit_code", ',
        'LOCKED = frozenset({"name", ',
        UNIT + "domain_units.py::test_r11_name_code_province_kind_and_parent_are_locked_for_the_unit_itself",
    ),
    _row(
        12,
        UNITS + "units.py",
        "return kind is not UnitKind.ACADEMY",
        "return kind is not UnitKind.BRANCH",
        UNIT + "domain_units.py::test_r12_only_academies_go_without_approval",
    ),
    _row(
        12,
        ACCOUNTS + "scopes.py",
        "return not subject.is_academy and _same(subject.authority, actor.authority)",
        "return _same(subject.authority, actor.authority)",
        UNIT
        + "domain_roles.py::test_r9_r12_persons_are_approved_by_the_province_of_their_unit_and_academies_by_nobody",
    ),
    _row(
        13,
        "service/domain/values/reasons.py",
        "if not reason:",
        "if text is None:",
        UNIT + "domain_persons.py::test_r13_reasons_are_written_and_not_too_long",
    ),
    _row(
        14,
        PERSONS + "persons.py",
        "role in UNIT_ROLES and bool(changes)",
        "role in UNIT_ROLES",
        UNIT + "domain_persons.py::test_r14_r15_an_effective_change_by_the_unit_needs_approval_again_and_by_others_not",
    ),
    _row(
        15,
        PERSONS + "persons.py",
        "role in UNIT_ROLES and bool(changes)",
        "bool(changes)",
        UNIT + "domain_persons.py::test_r14_r15_an_effective_change_by_the_unit_needs_approval_again_and_by_others_not",
    ),
    _row(
        16,
        PERSONS + "persons.py",
        "if state is PersonState.DRAFT:",
        "if state in (PersonState.DRAFT, PersonState.REJECTED):",
        UNIT + "domain_persons.py::test_r16_only_a_draft_is_deleted",
    ),
    _row(
        17,
        PERSONS + "persons.py",
        "if has_live_enrollment:",
        "if not has_live_enrollment:",
        UNIT + "domain_persons.py::test_r17_a_live_enrolment_bars_deregistration_and_a_certificate_does_not",
    ),
    _row(
        18,
        PERSONS + "identity.py",
        "Sex.MALE if int(number[16]) % 2 else Sex.FEMALE",
        "Sex.FEMALE if int(number[16]) % 2 else Sex.MALE",
        UNIT + "domain_numbers.py::test_r18_an_identity_number_gives_birth_date_and_sex",
        UNIT + "domain_persons.py::test_r18_what_was_typed_beside_an_identity_number_is_not_looked_at",
    ),
    _row(
        19,
        "service/workflow/persons/person_records.py",
        "IN_OWN_SCOPE if known else ALREADY_ENTERED",
        "IN_OWN_SCOPE",
        API + "pages_persons.py::test_a_number_entered_elsewhere_is_refused_without_saying_where",
    ),
    _row(
        20,
        PERSONS + "persons.py",
        "return add_years(birth_date, ADULT) <= today",
        "return add_years(birth_date, ADULT) < today",
        UNIT + "domain_persons.py::test_r20_the_eighteenth_birthday_counts",
        UNIT + "domain_persons.py::test_r20_who_was_born_on_29_february_is_of_age_on_1_march_of_a_common_year",
    ),
    _row(
        21,
        CERTIFICATES + "certificates.py",
        "if issued >= valid_to:",
        "if issued > valid_to:",
        UNIT + "domain_certificates.py::test_r21_a_legacy_certificate_needs_a_last_day_after_its_issue",
    ),
    _row(
        22,
        TRAINING + "training_need.py",
        "return date(today.year + 1, 3, 1)",
        "return date(today.year + 1, 2, 28)",
        UNIT + "domain_training_need.py::test_r22_the_reference_date_is_the_first_of_march_of_next_year",
    ),
    _row(
        23,
        NEED_TABLE,
        '<text>"initial"</text>',
        '<text>"refresher"</text>',
        UNIT + "domain_training_need.py::test_r23_r63_without_a_living_certificate_the_need_is_initial",
    ),
    _row(
        24,
        CERTIFICATES + "certificates.py",
        "is _S.VALID and today > certificate.valid_to",
        "is _S.VALID and today >= certificate.valid_to",
        UNIT + "domain_certificates.py::test_r24_the_last_day_is_still_valid",
    ),
    _row(
        25,
        TRAINING + "training_need.py",
        "e.enrolled_on <= valid_to",
        "e.enrolled_on < valid_to",
        UNIT + "domain_training_need.py::"
        "test_r25_a_renewal_enrolled_on_the_last_valid_day_keeps_an_expired_certificate_in_progress",
    ),
    _row(
        26,
        TRAINING + "training_need.py",
        "held.valid_to <= reference",
        "held.valid_to < reference",
        UNIT + "domain_training_need.py::test_r26_the_reference_date_itself_belongs_to_renewal",
    ),
    _row(
        27,
        TRAINING + "training_need.py",
        "held.issued_on.year == today.year",
        "held.issued_on.year > today.year",
        UNIT + "domain_training_need.py::test_r27_in_the_year_of_a_renewal_there_is_no_refresher_either",
    ),
    _row(
        28,
        TRAINING + "training_need.py",
        "today.year in refresher_years",
        "bool(refresher_years)",
        UNIT + "domain_training_need.py::test_r28_one_refresher_a_calendar_year_is_enough",
    ),
    _row(
        29,
        NEED_TABLE,
        '<text>"refresher"</text>',
        '<text>"none"</text>',
        UNIT + "domain_training_need.py::test_r29_whoever_is_left_needs_a_refresher",
    ),
    _row(
        30,
        NEED_TABLE,
        '<inputEntry id="renewal_was_issued_this_year">\n          <text>-</text>',
        '<inputEntry id="renewal_was_issued_this_year">\n          <text>false</text>',
        UNIT + "domain_training_need.py::"
        "test_r30_a_legacy_certificate_issued_this_year_that_ends_by_the_reference_date_is_renewed",
    ),
    _row(
        31,
        TRAINING + "enrollments.py",
        "if need.kind is kind:",
        "if need.kind is not None:",
        UNIT + "domain_enrollments.py::test_r31_a_class_of_the_wrong_kind_is_refused_with_need_dates_and_next_step",
    ),
    _row(
        32,
        NEED_TABLE,
        '<text>"renewal"</text>',
        '<text>"refresher"</text>',
        UNIT + "domain_training_need.py::test_r32_a_certificate_of_earlier_years_is_compared_with_the_reference_date",
        UNIT + "domain_training_need.py::test_r32_a_certificate_of_june_2013_goes_through_all_its_years",
    ),
    _row(
        33,
        TRAINING + "classes.py",
        "Role.ASSOCIATION: frozenset({TrainingKind.INITIAL}),",
        "Role.ASSOCIATION: frozenset(TrainingKind),",
        UNIT + "domain_classes.py::test_r33_the_association_organises_initial_classes_and_provinces_the_others",
    ),
    _row(
        34,
        TRAINING + "classes.py",
        "return to_others or organiser_role is Role.ASSOCIATION or authority == organiser",
        "return to_others or organiser_role is Role.ASSOCIATION or authority != organiser",
        UNIT + "domain_classes.py::test_r34_s61_a_provinces_class_is_for_its_own_unless_opened",
    ),
    _row(
        35,
        TRAINING + "classes.py",
        'if "pass_mark" in fields and has_scores:',
        'if "capacity" in fields and has_scores:',
        UNIT + "domain_classes.py::test_r35_the_pass_mark_is_fixed_by_the_first_score",
    ),
    _row(
        36,
        TRAINING + "classes.py",
        "if hours < minimum:",
        "if hours <= minimum:",
        UNIT + "domain_classes.py::test_r36_the_hours_reach_the_minimum_of_every_type",
    ),
    _row(
        37,
        TRAINING + "classes.py",
        "if checked_in or state not in CANCELLABLE:",
        "if state not in CANCELLABLE:",
        UNIT + "domain_classes.py::test_r37_a_class_is_cancelled_only_before_the_first_check_in",
    ),
    _row(
        38,
        TRAINING + "classes.py",
        "if today > enrol_until:",
        "if today >= enrol_until:",
        UNIT + "domain_classes.py::test_r38_both_ends_of_the_enrolment_window_belong_to_it",
    ),
    _row(
        39,
        TRAINING + "enrollments.py",
        "approved = candidate.state is PersonState.APPROVED",
        "approved = candidate.state is not PersonState.DRAFT",
        UNIT + "domain_enrollments.py::test_r39_r14_a_person_who_is_not_approved_may_not",
    ),
    _row(
        40,
        TRAINING + "enrollment_state.py",
        "return state not in (_S.REJECTED, _S.WITHDRAWN, _S.CANCELLED)",
        "return state not in (_S.REJECTED, _S.CANCELLED)",
        UNIT + "domain_enrollments.py::test_r40_what_ended_before_check_in_frees_its_seat",
    ),
    _row(
        41,
        ACCOUNTS + "permissions.py",
        "_A.ENROLL: (_NO, _P, _ACADEMIES, _reach(ScopeKind.LINKED), _G, _U)",
        "_A.ENROLL: (_NO, _P, _ACADEMIES, _reach(ScopeKind.LINKED), _U, _U)",
        UNIT + "domain_enrollments.py::test_r41_r44_who_may_enrol_whom",
    ),
    _row(
        42,
        "service/workflow/persons/transfers.py",
        "tasks.reroute_tasks(enrollment.case_id, data, user.id)",
        "pass",
        PROCESS + "enrollment_confirmation.py::test_a_pending_enrolment_follows_its_person_to_another_province",
    ),
    _row(
        43,
        TRAINING + "enrollments.py",
        "return EnrollmentState.PENDING if needs_approval(kind) else",
        "return EnrollmentState.PENDING if kind is UnitKind.BRANCH else",
        UNIT + "domain_enrollments.py::test_r43_r44_only_academies_begin_confirmed",
    ),
    _row(
        44,
        TRAINING + "enrollments.py",
        "if actor.role is Role.TRAINING_INSTITUTION and host != actor.organisation:",
        "if actor.role is Role.TRAINING_INSTITUTION and host is None:",
        UNIT + "domain_enrollments.py::test_r41_r44_who_may_enrol_whom",
    ),
    _row(
        45,
        TRAINING + "classes.py",
        "return start_of_day(last_day + DAY)",
        "return start_of_day(last_day)",
        UNIT + "domain_classes.py::test_r45_what_is_unconfirmed_lapses_when_the_first_day_of_the_class_is_over",
    ),
    _row(
        46,
        TRAINING + "enrollments.py",
        "return state is EnrollmentState.CONFIRMED and today > enrol_until",
        "return state is EnrollmentState.CONFIRMED and today >= enrol_until",
        UNIT + "domain_enrollments.py::test_r46_a_late_withdrawal_needs_a_reason",
    ),
    _row(
        47,
        TRAINING + "enrollments.py",
        "for obstacle in (late, *_standing(candidate, offer))",
        "for obstacle in (late,)",
        UNIT + "domain_enrollments.py::test_r47_confirmation_asks_again_except_for_the_window",
    ),
    _row(
        48,
        TRAINING + "classes.py",
        "return starts_on - DAY <= today <= ends_on",
        "return starts_on <= today <= ends_on",
        UNIT + "domain_classes.py::test_r48_check_in_is_from_the_day_before_to_the_last_day",
    ),
    _row(
        49,
        TRAINING + "scores.py",
        "HIGHEST: Tenths = 1000",
        "HIGHEST: Tenths = 1001",
        UNIT + "domain_scores.py::test_r49_any_other_score_is_refused_at_its_field",
    ),
    _row(
        50,
        TRAINING + "scores.py",
        "score >= pass_mark",
        "score > pass_mark",
        UNIT + "domain_scores.py::test_r50_reaching_the_mark_exactly_passes",
    ),
    _row(
        51,
        TRAINING + "scores.py",
        "if corrected_by == assented_by:",
        "if corrected_by is None:",
        UNIT + "domain_scores.py::"
        "test_r51_a_confirmed_score_is_corrected_with_a_second_persons_assent_before_the_approval",
    ),
    _row(
        52,
        TRAINING + "scores.py",
        "if may_make_up and len(attempts) < ATTEMPTS",
        "if may_make_up",
        UNIT + "domain_scores.py::test_r52_there_is_one_make_up_and_its_score_is_final",
    ),
    _row(
        53,
        ACCOUNTS + "permissions.py",
        "_A.CONFIRM_SCORE: (_NO, _NO, _ALL, _NO, _NO, _NO)",
        "_A.CONFIRM_SCORE: (_NO, _NO, _ALL, _C, _NO, _NO)",
        UNIT + "domain_roles.py::test_r53_no_role_both_records_and_confirms_scores",
    ),
    _row(
        54,
        TRAINING + "classes.py",
        "return ends_on.year",
        "return ends_on.year + 1",
        UNIT + "domain_classes.py::test_r54_a_refresher_counts_for_the_year_in_which_it_ends",
    ),
    _row(
        55,
        CERTIFICATES + "certificates.py",
        "return add_years(issued_on, YEARS) - DAY",
        "return add_years(issued_on, YEARS)",
        UNIT + "domain_certificates.py::test_r55_a_first_certificate_is_valid_three_years_less_a_day",
    ),
    _row(
        56,
        CERTIFICATES + "certificates.py",
        "return initial_valid_to(old_valid_to + DAY)",
        "return initial_valid_to(old_valid_to)",
        UNIT + "domain_certificates.py::test_r56_a_renewal_counts_from_the_old_last_day",
    ),
    _row(
        57,
        CERTIFICATES + "certificates.py",
        "if certificate.state not in (_S.ISSUED, _S.VALID):",
        "if certificate.state is not _S.VALID:",
        UNIT + "domain_certificates.py::test_r57_printing_does_not_wait_for_approval_but_a_dead_edition_is_not_printed",
    ),
    _row(
        58,
        CERTIFICATES + "certificates.py",
        "if printed > 0 and not",
        "if printed > 1 and not",
        UNIT + "domain_certificates.py::test_r58_printing_needs_a_photo_and_each_further_print_a_reason",
    ),
    _row(
        59,
        CERTIFICATES + "certificates.py",
        "return certificate.state is _S.VALID and today <= certificate.valid_to",
        "return today <= certificate.valid_to",
        UNIT + "domain_certificates.py::test_r59_a_certificate_awaiting_approval_is_not_in_force",
    ),
    _row(
        60,
        CERTIFICATES + "certificates.py",
        "if certificate.state is _S.ISSUED:",
        "if certificate.state in (_S.ISSUED, _S.VOID):",
        UNIT + "domain_certificates.py::test_r60_only_what_awaits_approval_is_approved_or_refused",
    ),
    _row(
        61,
        CERTIFICATES + "certificates.py",
        'if is_expired(certificate, today):\n        return _ended(certificate, N_("证书有效期至 %(valid_to)s，已过期，不能变更',
        'if not today:\n        return _ended(certificate, N_("证书有效期至 %(valid_to)s，已过期，不能变更',
        UNIT + "domain_certificates.py::test_r61_the_type_may_change_on_the_last_valid_day_and_not_on_the_next",
    ),
    _row(
        62,
        CERTIFICATES + "certificates.py",
        "if not is_expired(certificate, today):",
        "if not today:",
        UNIT + "domain_certificates.py::test_r62_deregistration_begins_the_day_after_the_end_and_revocation_ends_there",
    ),
    _row(
        63,
        CERTIFICATES + "certificates.py",
        "if c.state in (_S.VALID, _S.ISSUED)]",
        "if c.state in (_S.VALID, _S.ISSUED, _S.DEREGISTERED)]",
        UNIT + "domain_training_need.py::test_r23_r63_without_a_living_certificate_the_need_is_initial",
    ),
    _row(
        64,
        CERTIFICATES + "certificates.py",
        'N_("该人员没有有效证书，无须补办。"))\n    if is_expired(certificate, today):',
        'N_("该人员没有有效证书，无须补办。"))\n    if not today:',
        UNIT + "domain_certificates.py::test_r64_only_a_valid_certificate_is_issued_again",
    ),
    _row(
        65,
        CERTIFICATES + "verification.py",
        "name=present, printed=printed",
        "name=printed, printed=present",
        UNIT + "domain_certificates.py::test_r65_after_a_transfer_the_present_unit_stands_first",
    ),
    _row(
        66,
        CERTIFICATES + "certificates.py",
        "first = last + DAY",
        "first = last",
        UNIT + "domain_certificates.py::test_r66_warnings_begin_90_60_and_30_days_before_the_end",
    ),
    _row(
        67,
        "service/models/queries/certificates/certificate_list.py",
        "_public().where(Certificate.number == number, Person.name == name)",
        "_public().where(Certificate.number == number)",
        API + "pages_certificates.py::test_by_form_number_and_name_must_both_be_right_and_every_miss_reads_alike",
    ),
    _row(
        68,
        "service/domain/notices/notices.py",
        'if state is NoticeState.DRAFT:\n        return None\n    return Message(N_("通报%(state)s，不能再修改',
        'if state is not NoticeState.WITHDRAWN:\n        return None\n    return Message(N_("通报%(state)s，不能再修改',
        UNIT + "notices.py::test_r68_only_drafts_are_changed_or_deleted_and_only_the_published_withdrawn",
    ),
    _row(
        69,
        "service/domain/notices/tickets.py",
        "if now is TicketKind.COMPLAINT:",
        "if to is TicketKind.COMPLAINT:",
        UNIT + "domain_tickets.py::test_r69_a_complaint_stays_a_complaint_and_other_tickets_change_their_kind",
    ),
    _row(
        70,
        "service/models/queries/scope.py",
        "where(model.id == key, visible_to(user, model))",
        "where(model.id == key)",
        API + "v1_rules.py::test_what_is_out_of_scope_does_not_exist",
    ),
    _row(
        71,
        "service/infrastructure/xlsx.py",
        'DANGEROUS = ("=", "+", "-", "@", ',
        'DANGEROUS = ("=", "+", "-", ',
        UNIT + "sheets.py::test_what_could_begin_a_formula_gets_an_apostrophe",
    ),
    _row(
        72,
        "service/workflow/persons/person_import.py",
        "if fresh and not partial:",
        "if partial:",
        API + "pages_person_import.py::test_R72_all_or_nothing_when_a_row_became_wrong_after_the_check",
    ),
    _row(
        73,
        "service/engine/journal.py",
        'hashlib.sha256(prev.encode() + canonical(fixed) + canonical(row["digests"]))',
        'hashlib.sha256(prev.encode() + canonical(row["digests"]))',
        UNIT + "engine_journal.py::test_any_changed_field_is_found",
    ),
    _row(
        74,
        "service/workflow/runtime/tasks.py",
        "raise TaskAlreadyDone\n    return LockedCase.of(row), row",
        "raise NotFound\n    return LockedCase.of(row), row",
        PROCESS + "case_movement.py::test_of_two_officers_at_once_one_is_told_it_is_done_r74",
    ),
    _row(
        75,
        "service/models/queries/persons/retention.py",
        'Person.state == "deregistered"',
        'Person.state != "draft"',
        PROCESS + "erasure.py::test_R75_telephone_and_photo_go_three_years_after_the_last_certificate_ended",
    ),
)

LATER: dict[int, str] = {
    76: "time of each step",
    77: "a certificate number belongs to one human being",
    78: "what the system gives never collides with what people typed",
    79: "the printed face counts",
    80: "whatever ends reaches each live case that holds it",
    81: "names in one form",
    82: "a person without photo is shown as such",
    83: "completions taken back",
    84: "substitutes",
    85: "a submission taken back while nobody has begun",
    86: "a class is running from its first check-in",
    87: "ending acts name object and consequence",
    88: "a rate over nobody",
}
"""Rules found in use whose code is still to come. A rule leaves this list with its row above."""
