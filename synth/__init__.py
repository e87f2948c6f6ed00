"""Scaffolding dialogues: seeds of learner errors, the generators that grow dialogues from them, and a judge.

Imports schemas and quimbot_data; heavy libraries (spaCy, errant, openai) are loaded by the functions that need them.
"""
