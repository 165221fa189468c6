"""How things are written in messages and tables: amounts, names, texts from outside, hints. It knows no subject."""
