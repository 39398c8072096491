"""From a rule set to what AWS runs: the function package."""
