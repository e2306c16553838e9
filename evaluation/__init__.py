"""Evaluation of the checks on programs known to be broken or healthy."""
