"""The rules of the trade on plain values: no table, no clock, no framework.

Numbers R…, S…, C… and D… are those of the rule book (domain.md, seed.md).

Functions come in four kinds: ``parse_…`` turns typed text into a value or raises ``InvalidInput`` at its field;
``is_… has_… may_…`` answer yes or no; ``obstacle_to_…`` says in one sentence why something cannot be done now and
what to do next, or gives None; the rest compute.
"""
