"""From a batch of records to Lambda's answer: which actions run, in which order, and what a failure means."""
