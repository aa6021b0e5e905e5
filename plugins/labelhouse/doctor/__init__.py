"""The doctor: are the sources set up so that they can be read, and what is each of them allowed for.

`calls` says which operations of AWS a source makes, and nothing else does: the policy is derived from it, and a test
records what sources really ask. `examine` looks at each place with read-only calls; what it asks beyond the source's
own calls is in `calls`, too. Nothing here writes, and nothing imports it but the command line.
"""
