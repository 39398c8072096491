"""Declarative rules for DynamoDB Streams."""
