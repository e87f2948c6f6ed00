"""Dialogues by a model: any OpenAI-compatible endpoint, asked within a budget, each request paid for once.

    plan (steps) -> prompts -> client (cache, budget, attempts) -> replies -> written -> critics -> outcome

What can be promised about paying, and what cannot, stands in `synth.cache`.
"""
