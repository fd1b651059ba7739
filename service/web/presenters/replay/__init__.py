"""A case told step by step: its timeline and the frames of its replay."""
