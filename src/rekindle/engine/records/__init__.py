"""What is given to whom and when: event tables, covariates, parameters and schedules of people."""
