"""Benchmarks: a seeded workload, a plain-Python reference that checks every answer, and the tables."""
