"""Coverage-guided fuzzing, run by `make fuzz`. A target is a module with `check(data)` and `seeds()`.

`check` raises for what must never be; the suite calls the same functions with Hypothesis's bytes.
"""
