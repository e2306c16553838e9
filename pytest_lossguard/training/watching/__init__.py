"""Watches whatever trains inside a block of code."""
