"""Classifiers: datasets, trainings and rollouts, planned by pure functions of what is seen."""
