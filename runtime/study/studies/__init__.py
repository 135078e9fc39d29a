"""One module for each study: what is measured on its arms, the statistics that its criteria name, and its figure."""
