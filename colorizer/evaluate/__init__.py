"""Colour photographs made grey, coloured again, and measured against what they were.

The way of a set: `sources` finds and reads the pictures, `protocol` brings each to the size at which it is compared,
`candidates` colour it (networks, and the baselines that any network must beat), `measure` scores the results,
`bootstrap` adds them up with their uncertainty, `figures` says what is made of the sums; `run` puts these together in
two passes and constant memory. `table`, `rows`, `plots`, `samples` and `report` show what came out.
"""
