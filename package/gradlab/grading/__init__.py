"""Grading of submissions: their code runs in a sandbox, their checks outside of it."""
