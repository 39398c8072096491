"""Conditions: JMESPath with exact numbers and bounded cost."""
