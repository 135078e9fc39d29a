"""Faults as data, the printers of reports, code frames, and the pages of `resnetc explain`."""
