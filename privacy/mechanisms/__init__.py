"""The mechanisms: everything in Tradefair that draws privacy noise.

Whoever adds noise decides that something may leave, so these modules are imported by the release gate and by the
federation's strategy and node app only; an import contract in `pyproject.toml` holds everybody else away.
"""
