"""The clause of BPMN 2.0.2 that a rule is taken from; what has none is a limit of this engine, or a rule of its own."""

from __future__ import annotations

CLAUSES: dict[str, str] = {
    # the exchange format
    "follows_schema": "§15.3.1",
    "references_resolve": "§15.3.2",
    "listed_flows_agree": "§8.4.13",
    "has_plain_text": "§8.4.6",
    # flows and gateways
    "sequence_flows_stay_in_scope": "§7.6.1",
    "scopes_start_and_end": "§10.5.2",
    "complex_joins_say_when": "§10.6.5",
    "nodes_are_connected": "§7.6.1",
    "nodes_are_reached": "§10.5.2",
    "conditions_belong_to_splits": "§8.4.13",
    "defaults_are_own": "§8.4.13",
    "gateways_branch_or_join": "§10.6.1",
    "event_gateways_wait_for_events": "§10.6.6",
    # activities
    "quantities_are_positive": "§10.3",
    "receiving_starts_stand_alone": "§10.3.3",
    "loops_are_bounded": "§10.3.8",
    "instances_are_counted": "§10.3.8",
    "behaviors_name_their_events": "§10.3.8",
    "event_subprocesses_have_a_trigger": "§10.5.2",
    "processes_are_executable": "§10.2.1",
    "lanes_partition": "§10.8",
    "ad_hoc_subprocesses_say_when": "§10.3.5",
    "call_activities_terminate": "§10.3.6",
    "compensation_is_associated": "§10.7.1",
    "compensation_reaches_its_activity": "§10.7.2",
    # events
    "several_definitions_go_together": "§10.5.5",
    "conditions_are_written": "§10.5.5",
    "links_come_in_pairs": "§10.5.5",
    "cancel_events_belong_to_transactions": "§10.5.5",
    "boundary_events_attach_in_same_scope": "§10.5.3",
    "event_definitions_have_references": "§10.5.5",
    "timers_are_iso_8601": "§10.5.5",
    # data and messages
    "associations_lead_from_source_to_target": "§10.4.1",
    "carried_data_fit": "§10.4.1",
    "data_objects_are_named_by_state": "§10.4.1",
    "stores_have_a_capacity": "§10.4.1",
    "subprocesses_have_no_inputs": "§10.4.1",
    "operations_carry_their_message": "§10.5.5",
    "message_flows_join_pools": "§9.4",
    "pools_have_their_own_process": "§9.3",
    "multiplicities_are_sane": "§9.3",
    "imports_are_in_bundle": "§8.2.2",
}
"""Name of a rule → the clause, as it is numbered in BPMN 2.0.2."""


def cited(rule: str, zh: str, en: str) -> tuple[str, str]:
    """The sentences of a refusal with the clause of its rule: not where they name one themselves, nor where they tell
    what the engine does not do though the standard has it.
    """
    clause = CLAUSES.get(rule)
    if clause is None or "§" in en or "BPMN 2.0" in en or en.startswith("The engine"):
        return zh, en
    return f"{zh.removesuffix('。')}(BPMN 2.0 {clause})。", f"{en.removesuffix('.')} (BPMN 2.0 {clause})."
