"""From a rule set to what AWS runs: the package, templates and filters; stacks, versions, and `doctor`."""
