"""Pydantic models of everything the project writes: dialogues, learner texts, recipes, manifests, errors."""
