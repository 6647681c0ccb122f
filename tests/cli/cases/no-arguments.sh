# Without arguments: the overview, but as misuse.
hma
