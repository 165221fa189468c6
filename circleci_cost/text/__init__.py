"""How values are written in messages and tables: amounts, names, texts from outside, suggestions.

Nothing here knows a subject of the model or reads anything.
"""
