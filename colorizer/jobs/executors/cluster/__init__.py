"""The work of many pictures, or of a film's segments, on the machines of a Ray cluster.

`scheduling` decides what goes where and when, and knows no Ray; `machines` is what runs on each machine; `crew` are the
workers, and `executor` has them work. Only these two and `connection` speak to Ray.
"""
