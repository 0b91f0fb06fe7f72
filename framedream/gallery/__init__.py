"""Pictures to look at: what became of a night's work, on one page; what a network sees, on one sheet."""
