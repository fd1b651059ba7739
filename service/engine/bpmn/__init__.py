"""Execution of BPMN elements: SpiffWorkflow's specifications and tasks, corrected where BPMN 2.0 says otherwise."""
