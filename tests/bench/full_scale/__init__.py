"""A country's data for measuring (domain.md §3): planned as plain values, run through the pure engine, written by COPY.

``python -m tests.bench.full_scale`` fills the database of ``ANPEI_DATA_DIR``, or of ``ANPEI_DATABASE_URL``.
"""
