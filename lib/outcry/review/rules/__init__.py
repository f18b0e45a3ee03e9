"""The rules of evolution: those that give, those that take. review/selection.py has their order."""
