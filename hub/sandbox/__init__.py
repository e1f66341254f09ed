"""The demo's world: the real hub with the repository's flows.yaml, and everything outside played by the plugins'
sandboxes on this machine, all on one virtual clock."""
