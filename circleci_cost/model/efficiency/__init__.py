"""How usage could cost less: who starts it, what of it is waste, which resource classes fit. Pure, no database."""
